"""`InformationGainReward` around the native vector environment."""

from __future__ import annotations

from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorWrapper

from igs_env.errors import ConfigurationError
from igs_env.vector import SearchVectorEnv
from igs_env.wrappers.information_gain_reward import checked_beta
from igs_env.wrappers.inner import inner_vector_env


class VectorInformationGainReward(VectorWrapper):
    """Rewards + β · information gain, where a gain is valid; see `InformationGainReward`.

    >>> import gymnasium as gym, igs_env
    >>> envs = VectorInformationGainReward(gym.make_vec("IGSearchQA-v0", num_envs=2), beta=0.1)
    >>> _ = envs.reset(seed=0)
    >>> _, rewards, _, _, infos = envs.step(("<search>capital of Peru</search>",) * 2)
    >>> (rewards == 0.1 * infos["information_gain"]).tolist()
    [True, True]
    """

    def __init__(self, env: SearchVectorEnv, beta: float) -> None:
        """Wrap the native vector environment; `beta` is in reward per nat."""
        super().__init__(env)
        inner_vector_env(env)
        if env.metadata["autoreset_mode"] is AutoresetMode.SAME_STEP:
            raise ConfigurationError(
                "with autoreset_mode SAME_STEP infos are those of the next episode, and a last "
                "step's gain would be lost: use NEXT_STEP or DISABLED"
            )
        self._beta = checked_beta(beta)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """As of the wrapped environments, with the gains added."""
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        if "information_gain" in infos:
            gains = np.where(infos["information_gain_valid"], infos["information_gain"], 0.0)
            rewards = rewards + self._beta * gains
        return observations, rewards, terminated, truncated, infos
