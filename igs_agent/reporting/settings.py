"""A run's settings, and those in which runs differ."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path

Settings = Mapping[str, object]
"""Dotted key → value; `none` in the file is None."""

_OF_THE_RUN = ("run", "seed", "tracking.", "checkpoint.")
"""Settings that make no other experiment, and prefixes of such."""


def read_settings(path: Path) -> tuple[Settings, list[str]]:
    """(settings of a `config.toml`, what is missing, as sentences)."""
    unknown = "how the run was set up is not known"
    try:
        return _flat(tomllib.loads(path.read_text(encoding="utf-8"))), []
    except FileNotFoundError:
        return {}, [f"{path.name} is missing: {unknown}"]
    except (OSError, ValueError) as error:
        return {}, [f"{path.name} cannot be read ({str(error)[:120]}): {unknown}"]


def experiment(settings: Settings) -> Settings:
    """What is left when the seed, the place and the record-keeping are left out."""
    return {
        key: value
        for key, value in settings.items()
        if not any(
            key == name or (name[-1] == "." and key.startswith(name)) for name in _OF_THE_RUN
        )
    }


def differing(several: Sequence[Settings]) -> list[str]:
    """Keys whose value is not the same everywhere, in the order in which they come.

    >>> differing([{"a": 1, "b": 2}, {"a": 1, "b": 3, "c": 4}])
    ['b', 'c']
    """
    keys = dict.fromkeys(key for settings in several for key in settings)
    return [key for key in keys if len({word(settings.get(key)) for settings in several}) > 1]


def word(value: object) -> str:
    """A value in a table.

    >>> word(None), word([1, 2]), word("grpo"), word(0.0003)
    ('—', '[1, 2]', 'grpo', '0.0003')
    """
    if value is None:
        return "—"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _flat(table: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    found: dict[str, object] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            found |= _flat(value, f"{prefix}{key}.")
        else:
            found[f"{prefix}{key}"] = None if value == "none" else value
    return found
