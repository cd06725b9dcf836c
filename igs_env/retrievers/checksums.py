"""Whether an index is still what was written: sizes always, and checksums of what is not huge."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from pathlib import Path
from typing import Any

from igs_env.errors import DataError
from igs_env.strict_json import parse_json

logger = logging.getLogger(__name__)

FILE = "checksums.json"
READ_BELOW = 256 << 20
"""Bytes of a file whose checksum is compared whenever its index is opened, a fifth of a second;
of larger files the size alone is."""


def write_checksums(folder: Path) -> None:
    """Note size and SHA-256 of every file of a folder that is complete."""
    noted = {
        path.name: {"bytes": path.stat().st_size, "sha256": _sha256(path)}
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != FILE
    }
    (folder / FILE).write_text(json.dumps(noted, indent=1) + "\n", encoding="utf-8")


def damage(folder: Path) -> str | None:
    """What is wrong with a folder; None for nothing, or where none of this was noted."""
    path = folder / FILE
    if not path.exists():
        return None
    try:
        noted = parse_json(path.read_bytes())
    except (OSError, ValueError) as error:
        return f"its {FILE} cannot be read ({error})"
    if not isinstance(noted, dict):
        return f"its {FILE} is {type(noted).__name__}, not an object"
    problems = (_problem(folder / name, of) for name, of in noted.items())
    return next((problem for problem in problems if problem), None)


def check_whole(folder: Path) -> None:
    """Raise `DataError` for a damaged index that somebody named."""
    problem = damage(folder)
    if problem:
        raise DataError(
            f"the index {folder} is damaged: {problem}; take it from a copy, or build it again: "
            "igs index --corpus … --output …"
        )


def drop_damaged(folder: Path) -> None:
    """Delete a damaged index of the cache folder, so that it is built again, and say so."""
    problem = damage(folder)
    if problem:
        logger.warning("the cached index %s is damaged and is built again: %s", folder, problem)
        shutil.rmtree(folder)


def _problem(path: Path, noted: Any) -> str | None:
    if not path.is_file():
        return f"{path.name} is missing"
    size = path.stat().st_size
    if not isinstance(noted, dict) or noted.get("bytes") != size:
        return f"{path.name} has {size:,} bytes, others than were written"
    if size < READ_BELOW and noted.get("sha256") != _sha256(path):
        return f"{path.name} was changed after it was written"
    return None


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
