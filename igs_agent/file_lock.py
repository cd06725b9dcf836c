"""A lock that the system frees when the process that holds it ends, however it ends."""

from __future__ import annotations

import fcntl
from pathlib import Path
from typing import TextIO


class FileLock:
    """An advisory lock on a file (`flock`), held from `take` to `release` or the process's end.

    What is left behind is a file that means nothing. Between machines it holds where the file
    system passes `flock` on, as NFS does.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is touched yet."""
        self.path = path
        self._file: TextIO | None = None

    def take(self, note: str = "") -> bool:
        """Whether it is ours now; if so, `note` stands in the file. Raises `OSError`."""
        file = self.path.open("a+", encoding="utf-8")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            return False
        file.truncate(0)
        file.write(note)
        file.flush()
        self._file = file
        return True

    def release(self) -> None:
        """Let others have it; nothing where it was not taken."""
        if self._file is not None:
            self._file.close()
            self._file = None
