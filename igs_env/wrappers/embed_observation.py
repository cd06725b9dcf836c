"""Text observations as vectors of fixed size, for agents that are no language models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

from igs_env.retrievers.encoder import Encoder, make_encoder

BOUND = 100.0
"""Of a component; encoders give rows of length 1 unless they are meant otherwise."""

Vector = NDArray[np.float32]


class EmbedObservation(gym.ObservationWrapper[Vector, Any, str], gym.utils.RecordConstructorArgs):
    """Observation = the encoder's vector of the text, float32, shape (d,).

    The default encoder hashes words and needs no download; `minilm`, `wordllama` or any
    sentence-transformers model by name or path.

    >>> import igs_env
    >>> env = EmbedObservation(gym.make("IGSearchQA-v0"), encoder_kwargs={"dimensions": 64})
    >>> env.reset(seed=0)[0].shape
    (64,)
    """

    def __init__(
        self,
        env: gym.Env[str, Any],
        encoder: str | Encoder = "hashing",
        encoder_kwargs: Mapping[str, Any] | None = None,
    ) -> None:
        """Encode what `env` observes.

        Args:
            env: any environment with text observations.
            encoder: name, path, or an object with `encode`.
            encoder_kwargs: arguments of a named encoder.
        """
        gym.utils.RecordConstructorArgs.__init__(
            self, encoder=encoder, encoder_kwargs=encoder_kwargs
        )
        super().__init__(env)
        self._encoder = make_encoder(encoder, **dict(encoder_kwargs or {}))
        (probe,) = self._encoder.encode(["probe"])
        # Rows have length 1 by the encoders' contract; a model that does not normalise is
        # clipped rather than out of its space.
        self.observation_space = gym.spaces.Box(-BOUND, BOUND, probe.shape, np.float32)

    def observation(self, observation: str) -> Vector:
        """The text's vector."""
        (vector,) = self._encoder.encode([observation])
        return np.clip(np.asarray(vector, dtype=np.float32), -BOUND, BOUND)
