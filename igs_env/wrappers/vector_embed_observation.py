"""`EmbedObservation` around the native vector environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.vector import VectorObservationWrapper
from gymnasium.vector.utils import batch_space

from igs_env.retrievers.encoder import Encoder, make_encoder
from igs_env.vector import SearchVectorEnv
from igs_env.wrappers.embed_observation import BOUND
from igs_env.wrappers.inner import inner_vector_env
from igs_env.wrappers.observation_parts import Matrix, check_parts, embedded, vector_length


class VectorEmbedObservation(VectorObservationWrapper):
    """One row per environment, all of them encoded at once, shape (environments, Σ d).

    Gymnasium's observation wrappers take the modes NEXT_STEP and DISABLED.

    >>> import igs_env
    >>> envs = gym.make_vec("IGSearchQA-SingleHop-v0", num_envs=2)
    >>> envs = VectorEmbedObservation(envs, parts=("question", "progress"))
    >>> envs.reset(seed=0)[0].shape
    (2, 1027)
    """

    def __init__(
        self,
        env: SearchVectorEnv,
        encoder: str | Encoder = "hashing",
        encoder_kwargs: Mapping[str, Any] | None = None,
        parts: Sequence[str] = ("observation",),
    ) -> None:
        """Wrap the native vector environment; arguments as of `EmbedObservation`."""
        super().__init__(env)
        self._inner = inner_vector_env(env)
        self._parts = check_parts(parts)
        self._encoder = make_encoder(encoder, **dict(encoder_kwargs or {}))
        size = vector_length(self._parts, self._encoder)
        self.single_observation_space = gym.spaces.Box(-BOUND, BOUND, (size,), np.float32)
        self.observation_space = batch_space(self.single_observation_space, self.num_envs)

    def observations(self, observations: Sequence[str]) -> Matrix:
        """The vectors of what is known now."""
        inner = self._inner
        rows = embedded(self._parts, self._encoder, inner.task.rules, inner.episodes, observations)
        return np.clip(rows, -BOUND, BOUND)
