"""Configurations that are known to work, by name: `igs train --config tiny-atlas`."""

from __future__ import annotations

from pathlib import Path

_FOLDER = Path(__file__).parent


def recipes() -> dict[str, Path]:
    """Name → TOML file of every recipe.

    >>> "tiny-atlas" in recipes()
    True
    """
    return {path.stem: path for path in sorted(_FOLDER.glob("*.toml"))}
