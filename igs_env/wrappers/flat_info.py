"""`info` of scalars and strings only, as replay buffers of fixed shapes need it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, is_dataclass
from typing import Any

import gymnasium as gym
import numpy as np


class FlatInfo(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Numbers as NumPy scalars, strings as they are, every other value as one JSON string.

    A key keeps its type from reset to the last step: `numpy.float64`, `numpy.int64`, `bool` or
    `str`. Tianshou's buffers refuse lists and tuples whose length changes from step to step; a
    string of any length is stored as it is. Buffers keep every key of every step: `keys` names
    those that are wanted.

    >>> import igs_env
    >>> env = FlatInfo(gym.make("IGSearchQA-v0"))
    >>> _, info = env.reset(seed=0)
    >>> info["documents"], type(info["searches"]).__name__
    ('[]', 'int64')
    """

    def __init__(self, env: gym.Env[Any, Any], keys: Sequence[str] | None = None) -> None:
        """Wrap any environment of this package; `keys` None keeps all."""
        gym.utils.RecordConstructorArgs.__init__(self, keys=keys)
        super().__init__(env)
        self._keys = keys

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """As of the wrapped environment, with flat info."""
        observation, info = super().reset(seed=seed, options=options)
        return observation, flat(kept(info, self._keys))

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """As of the wrapped environment, with flat info."""
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, terminated, truncated, flat(kept(info, self._keys))


def kept(info: Mapping[str, Any], keys: Sequence[str] | None) -> Mapping[str, Any]:
    """Only those keys; all where it is None."""
    return info if keys is None else {key: info[key] for key in keys}


def flat(info: Mapping[str, Any]) -> dict[str, Any]:
    """The same keys; numbers of a fixed width, strings, and the rest as JSON.

    >>> flat({"gain": 0.5, "ids": (("a", "b"),), "found": np.True_})
    {'gain': np.float64(0.5), 'ids': '[["a", "b"]]', 'found': True}
    """
    return {key: _flat(value) for key, value in info.items()}


def _flat(value: Any) -> Any:
    # Gymnasium's vector environments make an array of objects of numpy.bool_, which is no
    # numpy.number, and one of dtype bool of Python's own.
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return np.int64(value)
    if isinstance(value, float | np.floating):
        return np.float64(value)
    return value if isinstance(value, str) else json_text(value)


def json_text(value: Any) -> str:
    """A value of `info` as JSON."""
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"FlatInfo cannot write a {type(value).__name__} as JSON")
