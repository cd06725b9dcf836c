"""Folders that exist whole or not at all, and tell when they were damaged afterwards.

A folder is written beside its place, made durable, and renamed into it. Its manifest holds the
SHA-256 of every file.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from igs_env.strict_json import parse_json

MANIFEST = "manifest.json"
PARTIAL, REPLACED = ".partial", ".replaced"
"""Endings of folders that are not complete yet, and that stand aside while another of the same
name takes their place."""


def write_whole(folder: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a new folder; it appears at `folder` complete, whenever the machine stops.

    What stood at `folder` before is replaced only when the new one is durable, and is never
    missing: for the moment between two renames it is at `folder.replaced`.

    Args:
        folder: where it ends up.
        write: gets an empty folder and puts files into it.
    """
    partial = folder.with_name(folder.name + PARTIAL)
    aside = folder.with_name(folder.name + REPLACED)
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        write(partial)
        sums = {str(path.relative_to(partial)): _sha256(path) for path in _files(partial)}
        (partial / MANIFEST).write_text(json.dumps(sums, indent=1), encoding="utf-8")
        _make_durable(partial)
    except BaseException:  # Ctrl-C too: what is half written is of no use to anybody
        shutil.rmtree(partial, ignore_errors=True)
        raise
    if folder.exists():
        shutil.rmtree(aside, ignore_errors=True)
        folder.rename(aside)
    partial.rename(folder)
    _sync(folder.parent)
    shutil.rmtree(aside, ignore_errors=True)


def damage(folder: Path) -> str | None:
    """What is wrong with a folder that `write_whole` wrote, or None.

    Every file is read and its checksum compared.
    """
    try:
        expected = parse_json((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        return f"its {MANIFEST} cannot be read ({error})"
    if not isinstance(expected, dict) or not expected:
        return f"its {MANIFEST} names no file"
    for name, checksum in expected.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if _sha256(path) != checksum:
            return f"{name} was changed after it was written"
    return None


def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _make_durable(folder: Path) -> None:
    """Bring files first and then the folders that name them to the disk."""
    for path in [*_files(folder), *_folders(folder)]:
        _sync(path)


def _folders(folder: Path) -> Iterator[Path]:
    yield from (path for path in folder.rglob("*") if path.is_dir())
    yield folder


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
