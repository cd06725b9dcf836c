"""What a run reports, and to whom."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from igs_env.errors import IGSearchError


class Tracker(Protocol):
    """Takes what a run reports. Names and units of all numbers: `docs/metrics.md`."""

    def metrics(self, update: int, values: Mapping[str, float]) -> None:
        """Numbers of one update, or of an evaluation after so many updates."""
        ...

    def episodes(self, update: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """One JSON-serialisable row per episode, see `igs_agent.episodes.episode_row`."""
        ...

    def timings(self, update: int, seconds: Mapping[str, float]) -> None:
        """Seconds per phase of one update; the last that is reported about it."""
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...


class RunFolderError(IGSearchError, OSError):
    """A run folder that cannot be written."""


def folder_not_written(folder: Path, error: OSError) -> RunFolderError:
    """The error for a folder that the system refuses to write to."""
    return RunFolderError(
        f"the run folder {folder} cannot be written: {error}; choose another with run=…"
    )
