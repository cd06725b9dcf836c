"""Text observations as vectors of fixed size, for agents that are no language models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np

from igs_env.retrievers.encoder import Encoder, make_encoder
from igs_env.wrappers.inner import current_episode, inner_env
from igs_env.wrappers.observation_parts import Vector, check_parts, embedded, vector_length

BOUND = 100.0
"""Of a component; encoders give rows of length 1 unless they are meant otherwise."""


class EmbedObservation(gym.ObservationWrapper[Vector, Any, str], gym.utils.RecordConstructorArgs):
    """Observation = the encoder's vectors of the chosen parts, float32, shape (Σ d,).

    Parts are those of `igs_env.wrappers.observation_parts.PARTS`. The default is the new text
    alone, as the environment gives it: after a search that says nothing of the question, and a
    protocol's instructions drown what is asked. An agent without memory wants
    `parts=("question", "progress")`.

    The default encoder hashes words and needs no download; `minilm`, `wordllama` or any
    sentence-transformers model by name or path.

    >>> import igs_env
    >>> env = EmbedObservation(gym.make("IGSearchQA-v0"), encoder_kwargs={"dimensions": 64})
    >>> env.reset(seed=0)[0].shape
    (64,)
    >>> env = EmbedObservation(env.env, parts=("question", "progress"))
    >>> env.reset(seed=0)[0].shape
    (1027,)
    """

    def __init__(
        self,
        env: gym.Env[str, Any],
        encoder: str | Encoder = "hashing",
        encoder_kwargs: Mapping[str, Any] | None = None,
        parts: Sequence[str] = ("observation",),
    ) -> None:
        """Encode what `env` observes.

        Args:
            env: any environment with text observations.
            encoder: name, path, or an object with `encode`.
            encoder_kwargs: arguments of a named encoder.
            parts: what the vector is of, one after the other.
        """
        gym.utils.RecordConstructorArgs.__init__(
            self, encoder=encoder, encoder_kwargs=encoder_kwargs, parts=parts
        )
        super().__init__(env)
        self._parts = check_parts(parts)
        self._encoder = make_encoder(encoder, **dict(encoder_kwargs or {}))
        size = vector_length(self._parts, self._encoder)
        # Rows have length 1 by the encoders' contract; a model that does not normalise is
        # clipped rather than out of its space.
        self.observation_space = gym.spaces.Box(-BOUND, BOUND, (size,), np.float32)

    def observation(self, observation: str) -> Vector:
        """The vector of what is known now."""
        if self._parts == ("observation",):
            (vector,) = self._encoder.encode([observation])
        else:
            rules, episode = inner_env(self).task.rules, current_episode(self)
            (vector,) = embedded(self._parts, self._encoder, rules, [episode], [observation])
        return np.clip(np.asarray(vector, dtype=np.float32), -BOUND, BOUND)
