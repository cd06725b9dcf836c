"""Search-augmented question answering as a Gymnasium environment with information gain.

`import igs_env` registers the environments; `gymnasium.make("IGSearchQA-v0")` makes one.
"""

from __future__ import annotations

from igs_env.registration import ENVIRONMENTS, register_environments

__version__ = "0.1.0"
__all__ = ["ENVIRONMENTS", "register_environments"]

register_environments()
