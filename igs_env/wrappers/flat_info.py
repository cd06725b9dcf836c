"""`info` of scalars and strings only, as replay buffers of fixed shapes need it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from typing import Any

import gymnasium as gym


class FlatInfo(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Every value that is no scalar or string becomes one JSON string.

    Tianshou's buffers refuse lists and tuples whose length changes from step to step; a string
    of any length is stored as it is.

    >>> import igs_env
    >>> env = FlatInfo(gym.make("IGSearchQA-v0"))
    >>> _, info = env.reset(seed=0)
    >>> info["documents"], info["searches"]
    ('[]', 0)
    """

    def __init__(self, env: gym.Env[Any, Any]) -> None:
        """Wrap any environment of this package."""
        gym.utils.RecordConstructorArgs.__init__(self)
        super().__init__(env)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Any, dict[str, Any]]:
        """As of the wrapped environment, with flat info."""
        observation, info = super().reset(seed=seed, options=options)
        return observation, flat(info)

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """As of the wrapped environment, with flat info."""
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, terminated, truncated, flat(info)


def flat(info: Mapping[str, Any]) -> dict[str, Any]:
    """The same keys; values that are not scalars or strings as JSON.

    >>> flat({"gain": 0.5, "ids": (("a", "b"),)})
    {'gain': 0.5, 'ids': '[["a", "b"]]'}
    """
    return {
        key: value if isinstance(value, bool | int | float | str) else _json(value)
        for key, value in info.items()
    }


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=_plain)


def _plain(value: Any) -> Any:
    if is_dataclass(value) and not isinstance(value, type):
        return asdict(value)
    raise TypeError(f"FlatInfo cannot write a {type(value).__name__} as JSON")
