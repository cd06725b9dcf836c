"""The gain as part of the reward, for algorithms that know nothing of `info`."""

from __future__ import annotations

import math
from typing import Any, SupportsFloat

import gymnasium as gym

from igs_env.errors import ConfigurationError


class InformationGainReward(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Reward + β · information gain, where the gain is valid.

    Not potential-based: it changes which policy is best. Of use to compare, not to report.

    >>> import igs_env
    >>> env = InformationGainReward(gym.make("IGSearchQA-v0"), beta=0.1)
    >>> _ = env.reset(seed=0)
    >>> _, reward, _, _, info = env.step("<search>capital of Peru</search>")
    >>> reward == 0.1 * info["information_gain"]
    True
    """

    def __init__(self, env: gym.Env[Any, Any], beta: float) -> None:
        """Wrap an environment that measures gains; `beta` is in reward per nat."""
        gym.utils.RecordConstructorArgs.__init__(self, beta=beta)
        super().__init__(env)
        self._beta = checked_beta(beta)

    def step(self, action: Any) -> tuple[Any, SupportsFloat, bool, bool, dict[str, Any]]:
        """As of the wrapped environment, with the gain added."""
        observation, reward, terminated, truncated, info = super().step(action)
        if info["information_gain_valid"]:
            reward = float(reward) + self._beta * info["information_gain"]
        return observation, reward, terminated, truncated, info


def checked_beta(beta: float) -> float:
    """The reward per nat; `ConfigurationError` if it is not finite."""
    if not math.isfinite(beta):
        raise ConfigurationError(f"beta must be a finite number, got {beta!r}")
    return float(beta)
