"""An `episodes.jsonl` that may be half written, damaged, growing, or cut back by a resumed run."""

from __future__ import annotations

import json
import zlib
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import Any

from igs_agent.inspector.rows import EpisodeRow, read_row
from igs_agent.inspector.summary import Summary, summarise
from igs_env.errors import DataError

BUDGET = 8 << 20
"""Bytes that one call of `advance` reads, about a quarter of a second's work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Place:
    offset: int
    size: int
    checksum: int


class EpisodeFile:
    """The episodes of a run, summarised; the rows themselves stay in the file."""

    def __init__(self, path: Path) -> None:
        """Nothing is read yet; the file need not be there."""
        self.path = path
        self.summaries: list[Summary] = []
        self.generation = 0
        """Counts up when what was read has changed, so that nothing of it may be kept."""
        self.half_written = 0
        """Bytes of a last line without an end."""
        self.missing = False
        self.broken: list[str] = []
        """Why lines were left out, one text per line."""
        self._places: list[_Place] = []
        self._offset = self._line = 0

    def __len__(self) -> int:
        """Episodes read so far."""
        return len(self.summaries)

    def advance(self, budget: int = BUDGET) -> bool:
        """Read on, at most about `budget` bytes; whether there is more.

        Raises:
            DataError: the file is there and cannot be read.
        """
        try:
            with self.path.open("rb") as file:
                self.missing = False
                if self._has_changed(file):
                    self._start_again()
                return self._read(file, budget)
        except FileNotFoundError:
            self._start_again()
            self.missing = True
            return False
        except OSError as error:
            raise DataError(f"{self.path} cannot be read: {error.strerror}") from error

    def row(self, index: int) -> EpisodeRow:
        """The whole row of an episode.

        Raises:
            DataError: the file has changed since it was read.
        """
        place = self._places[index]
        with self.path.open("rb") as file:
            line = _line(file, place)
        if zlib.crc32(line) != place.checksum:
            raise DataError(f"{self.path} has changed; load the page again")
        return read_row(json.loads(line))

    def problems(self) -> list[str]:
        """What is missing and what was left out, as sentences."""
        found = [f"{self.path.name} is missing: no episode has been recorded"] * self.missing
        if self.broken:
            shown = "; ".join(self.broken[:3]) + ("; …" if len(self.broken) > 3 else "")
            found.append(f"{len(self.broken)} lines of {self.path.name} were left out: {shown}")
        if self.half_written:
            found.append(
                f"the last line of {self.path.name} is half written "
                f"({self.half_written:,} bytes) and was left out"
            )
        return found

    def _has_changed(self, file: BufferedReader) -> bool:
        """A run that is resumed cuts its files back, and may have written on since."""
        if file.seek(0, 2) < self._offset:
            return True
        last = self._places[-1] if self._places else None
        return last is not None and zlib.crc32(_line(file, last)) != last.checksum

    def _start_again(self) -> None:
        if self._offset:
            self.generation += 1
        self.summaries, self._places, self.broken = [], [], []
        self._offset = self._line = self.half_written = 0

    def _read(self, file: BufferedReader, budget: int) -> bool:
        stop = self._offset + budget
        file.seek(self._offset)
        self.half_written = 0
        while self._offset < stop:
            line = file.readline()
            if not line.endswith(b"\n"):
                self.half_written = len(line)
                return False
            self._line += 1
            self._take(line)
            self._offset += len(line)
        return True

    def _take(self, line: bytes) -> None:
        try:
            summary = summarise(read_row(_parsed(line)))
        except DataError as error:
            self.broken.append(f"line {self._line}: {error}")
            return
        self.summaries.append(summary)
        self._places.append(_Place(offset=self._offset, size=len(line), checksum=zlib.crc32(line)))


def _line(file: BufferedReader, place: _Place) -> bytes:
    file.seek(place.offset)
    return file.read(place.size)


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(f"no JSON ({str(error).splitlines()[0][:80]})") from error
    if not isinstance(row, dict):
        raise DataError(f"{type(row).__name__}, expected an object")
    return row
