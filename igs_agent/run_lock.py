"""One process at a time trains in a run folder.

Two that append to the same files would count episodes twice and cut off each other's rows, which
is what happens where a run is resumed while it is still going on: from another terminal, or where
a driver was killed and its ranks lived on.
"""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from igs_agent.file_lock import FileLock
from igs_agent.tracking.contract import folder_not_written
from igs_env.errors import ConfigurationError

PATIENCE = 5.0
"""Seconds that a process is given to end which was told to, such as a rank that is replaced."""


class RunLock:
    """Held from `take` to `release`, or to the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Of this run folder; nothing is touched yet."""
        self.folder = folder
        self._lock = FileLock(folder / "lock")

    def take(self) -> None:
        """Make the folder, if need be, and hold its lock.

        Raises:
            ConfigurationError: another process holds it; the message says which.
            RunFolderError: the folder cannot be written.
        """
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            taken = self._taken(f"process {os.getpid()} on {socket.gethostname()}")
        except OSError as error:
            raise folder_not_written(self.folder, error) from error
        if not taken:
            holder = self._lock.path.read_text(encoding="utf-8") or "another process"
            raise ConfigurationError(
                f"{holder} trains in {self.folder}; wait for it or stop it, or choose another "
                "folder with run=…"
            )

    def _taken(self, note: str) -> bool:
        deadline = time.monotonic() + PATIENCE
        while not self._lock.take(note):
            if time.monotonic() > deadline:
                return False
            time.sleep(0.1)
        return True

    def release(self) -> None:
        """Let others have it; nothing where it was not taken."""
        self._lock.release()
