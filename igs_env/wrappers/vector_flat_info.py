"""`FlatInfo` around the native vector environment."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from gymnasium.vector import VectorWrapper

from igs_env.vector import SearchVectorEnv
from igs_env.wrappers.flat_info import json_text
from igs_env.wrappers.inner import inner_vector_env


class VectorFlatInfo(VectorWrapper):
    """Columns of numbers keep their dtype, the values of all others become strings.

    Where an environment reports nothing, which the key's mask says, the string is empty.

    >>> import gymnasium as gym, igs_env
    >>> envs = VectorFlatInfo(gym.make_vec("IGSearchQA-v0", num_envs=2))
    >>> _, infos = envs.reset(seed=0)
    >>> infos["documents"].tolist(), infos["searches"].dtype.name
    (['[]', '[]'], 'int64')
    """

    def __init__(self, env: SearchVectorEnv, keys: Sequence[str] | None = None) -> None:
        """Wrap the native vector environment; `keys` None keeps all."""
        super().__init__(env)
        inner_vector_env(env)
        self._keys = keys

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """As of the wrapped environments, with flat infos."""
        # Gymnasium types one seed for all; its environments, and these, take a list too.
        observations, infos = super().reset(seed=seed, options=options)  # type: ignore[arg-type]
        return observations, self._flat(infos)

    def step(self, actions: Any) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """As of the wrapped environments, with flat infos."""
        observations, rewards, terminated, truncated, infos = self.env.step(actions)
        return observations, rewards, terminated, truncated, self._flat(infos)

    def _flat(self, infos: dict[str, Any]) -> dict[str, Any]:
        if self._keys is not None:
            wanted = {name for key in self._keys for name in (key, f"_{key}")}
            wanted |= {"final_obs", "_final_obs", "final_info", "_final_info"}
            infos = {key: value for key, value in infos.items() if key in wanted}
        return _flat(infos)


def _flat(infos: dict[str, Any]) -> dict[str, Any]:
    return {key: _column(value) for key, value in infos.items()}


def _column(value: Any) -> Any:
    if isinstance(value, dict):
        return _flat(value)
    if value.dtype != object:
        return value
    texts = ["" if x is None else x if isinstance(x, str) else json_text(x) for x in value]
    column = np.full(len(texts), "", dtype=object)
    column[:] = texts
    return column
