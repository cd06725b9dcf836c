"""Where converted corpora are kept, and how one process at a time writes there."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


def cache_folder() -> Path:
    """`$IGS_CACHE`, or `~/.cache/ig-search`; it need not exist. Its contents can be deleted."""
    named = os.environ.get("IGS_CACHE")
    return Path(named).expanduser() if named else Path.home() / ".cache" / "ig-search"


def file_key(path: Path, version: int) -> str:
    """Name for what was made from a file: other after the file is moved, resized or rewritten.

    Path, size and time of change stand for the contents, so that 14 GB need not be read to find
    out that they are known. Contents changed under the same size and time go unnoticed.
    """
    path = path.resolve()
    state = path.stat()
    text = f"{version} {path} {state.st_size} {state.st_mtime_ns}"
    return f"{path.name.split('.')[0]}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


@contextmanager
def only_process(path: Path) -> Iterator[None]:
    """Hold a file lock, which the system gives back even after a kill; waits for its turn.

    Without effect where the system has no such locks (Windows).
    """
    try:
        import fcntl
    except ImportError:
        yield
        return
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
