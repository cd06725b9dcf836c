"""JSONL files: written line by line, cut back where a run resumes, readable after a crash.

`metrics.jsonl` holds nothing that depends on the clock, so that equal runs write equal bytes;
times go to `timings.jsonl`. `episodes.jsonl` has one row per episode.
"""

from __future__ import annotations

import json
import logging
import math
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from io import FileIO
from pathlib import Path
from typing import Any

from igs_agent.tracking.contract import RunFolderError, folder_not_written
from igs_env.errors import DataError
from igs_env.strict_json import parse_json

logger = logging.getLogger(__name__)

FILES = ("metrics.jsonl", "timings.jsonl", "episodes.jsonl")


class JsonlTracker:
    """The three JSONL files of a run folder."""

    def __init__(self, folder: Path, offsets: Mapping[str, int]) -> None:
        """Go on behind `offsets` bytes of each file; what stands behind them is cut off.

        A run that is resumed repeats the updates after its checkpoint, and must not count their
        rows twice.

        Raises:
            RunFolderError: the folder cannot be written.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._files = {name: _Lines(folder / name, offsets.get(name, 0)) for name in FILES}
        except OSError as error:
            raise folder_not_written(folder, error) from error

    def metrics(self, update: int, values: Mapping[str, float]) -> None:
        """See `Tracker.metrics`."""
        self._files["metrics.jsonl"].append([{"update": update, **values}])

    def episodes(self, update: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """See `Tracker.episodes`."""
        self._files["episodes.jsonl"].append([{"update": update, **row} for row in rows])

    def timings(self, update: int, seconds: Mapping[str, float]) -> None:
        """See `Tracker.timings`."""
        phases = {f"seconds/{name}": value for name, value in seconds.items()}
        self._files["timings.jsonl"].append([{"update": update, **phases}])

    def offsets(self) -> dict[str, int]:
        """Bytes of each file so far, all of them safely on the disk."""
        return {name: file.synced() for name, file in self._files.items()}

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()


class _Lines:
    """One file of whole lines."""

    def __init__(self, path: Path, size: int) -> None:
        self._path = path
        self._file = FileIO(path, "ab")  # unbuffered: what is written is there after a crash
        present = path.stat().st_size
        if present < size:
            logger.warning(
                "%s has %d bytes, fewer than the %d that the checkpoint knows of: rows were lost",
                *(path, present, size),
            )
        self._size = min(present, size)
        self._file.truncate(self._size)

    def append(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write the rows, or none of them."""
        data = b"".join(json_line(row) for row in rows)
        try:
            written = 0
            while written < len(data):
                written += self._file.write(memoryview(data)[written:])
        except OSError as error:
            self._file.truncate(self._size)
            raise RunFolderError(
                f"{self._path} could not be written: {error}; free space, then go on with "
                f'"igs train --resume run={self._path.parent}"'
            ) from error
        self._size += len(data)

    def synced(self) -> int:
        """Bytes so far, brought to the disk."""
        os.fsync(self._file.fileno())
        return self._size

    def close(self) -> None:
        self._file.close()


def json_line(row: Mapping[str, Any]) -> bytes:
    """A row as one line of strict JSON, equal for equal rows: keys sorted, floats as by `repr`.

    A number that is not finite becomes null, for which JSON has no word. Half a surrogate pair,
    which a model's bytes may decode to, becomes an escape.

    >>> json_line({"b": float("nan"), "a": 0.1})
    b'{"a":0.1,"b":null}\\n'
    """
    try:
        text = _dumps(row)
    except ValueError:
        text = _dumps(_finite(row))
    return text.encode("utf-8", "backslashreplace") + b"\n"


def write_jsonl(path: str | os.PathLike[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write rows to a file of their own, which appears when it is complete."""
    target = Path(path)
    partial = target.with_name(f"{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        partial.write_bytes(b"".join(map(json_line, rows)))
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise RunFolderError(f"{target} could not be written: {error}") from error


def read_jsonl(path: str | os.PathLike[str]) -> Iterator[dict[str, Any]]:
    """Rows of a JSONL file; a last line that a crash cut off is left out.

    Raises `DataError` for a file that cannot be read and for a broken line that is not the last.
    """
    try:
        with Path(path).open("rb") as file:
            for number, line in enumerate(file, start=1):
                if not line.endswith(b"\n"):
                    return
                yield _parsed(path, number, line)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from error


def _parsed(path: str | os.PathLike[str], number: int, line: bytes) -> dict[str, Any]:
    try:
        row = parse_json(line)
    except ValueError as error:
        raise DataError(f"{path}, line {number} is no JSON: {error}") from error
    if not isinstance(row, dict):
        raise DataError(f"{path}, line {number} is {type(row).__name__}, expected an object")
    return row


def _dumps(row: Any) -> str:
    return json.dumps(
        row,
        sort_keys=True,
        ensure_ascii=False,
        allow_nan=False,
        separators=(",", ":"),
        default=_plain,
    )


def _plain(value: Any) -> Any:
    """A NumPy or torch number as Python's."""
    if hasattr(value, "item"):
        return value.item()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def _finite(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    plain = value.item() if hasattr(value, "item") else value
    return None if isinstance(plain, float) and not math.isfinite(plain) else plain
