"""The environment of this package inside wrappers."""

from __future__ import annotations

from typing import Any

from igs_env.env import SearchEnv
from igs_env.errors import ConfigurationError
from igs_env.types import Episode
from igs_env.vector import SearchVectorEnv


def inner_env(env: Any) -> SearchEnv:
    """The environment that all wrappers are around; `ConfigurationError` if it is another's."""
    base = env.unwrapped
    if not isinstance(base, SearchEnv):
        raise ConfigurationError(
            f"this wrapper is for igs_env's environments, got {type(base).__name__}"
        )
    return base


def inner_vector_env(env: Any) -> SearchVectorEnv:
    """The native vector environment; `ConfigurationError` for another one."""
    base = env.unwrapped
    if not isinstance(base, SearchVectorEnv):
        raise ConfigurationError(
            f"this wrapper is for igs_env's native vector environment, got {type(base).__name__}; "
            "give SyncVectorEnv and AsyncVectorEnv wrapped single environments instead"
        )
    return base


def current_episode(env: Any) -> Episode:
    """The episode as far as it went; `ConfigurationError` before the first reset."""
    episode = inner_env(env).episode
    if episode is None:
        raise ConfigurationError("there is no episode yet: call reset() first")
    return episode
