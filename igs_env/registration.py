"""The environments that `gymnasium.make` knows after `import igs_env`."""

from __future__ import annotations

from typing import Any

from gymnasium.envs.registration import register, registry

ENVIRONMENTS: dict[str, dict[str, Any]] = {
    "IGSearchQA-v0": {},
    "IGSearchQA-AutoRefine-v0": {"protocol": "autorefine"},
    "IGSearchQA-SingleHop-v0": {"hops": 1, "max_searches": 2},
    "IGSearchQA-Fiction-v0": {"questions": "fiction", "corpus": "fiction"},
}
"""Id → default keyword arguments."""


def register_environments() -> None:
    """Register `ENVIRONMENTS` with Gymnasium; calling it again changes nothing."""
    for id, kwargs in ENVIRONMENTS.items():
        if id not in registry:
            register(
                id=id,
                entry_point="igs_env.env:SearchEnv",
                vector_entry_point="igs_env.vector:SearchVectorEnv",
                kwargs=kwargs,
            )
