"""A recording: every search of a run and what became of it, in a file of lines."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterable, Mapping
from io import FileIO
from pathlib import Path
from typing import Any

from igs_env.errors import RecordingError, RetrievalError
from igs_env.retrievers.contract import Found
from igs_env.retrievers.identity import identity
from igs_env.strict_json import parse_json
from igs_env.types import Document

logger = logging.getLogger(__name__)

FILE = "retrieval.jsonl"
"""Its name in a run folder."""

Asked = tuple[str, int]
"""A query, and how many documents were wanted."""


class Recording:
    """Searches in the order in which they were asked, one JSON object per line.

        {"query": "…", "top_k": 3, "documents": [{"id": "…", "title": "…", "text": "…",
         "score": 1.5}, …]}
        {"query": "…", "top_k": 3, "failed": "…"}     the message of its `RetrievalError`
        {"query": "…", "top_k": 3, "again": true}     the same as the last time

    In memory are the queries and the places of their lines, not the documents. One process
    writes; what it has written is in the file after a crash, and a line that the crash cut off is
    left out. Make it by `read_recording` or `open_recording`.
    """

    def __init__(self, path: Path) -> None:
        """Nothing is read or written yet."""
        self.path = path
        self.size = 0
        """Bytes of the whole lines."""
        self._places: dict[Asked, list[int]] = {}
        self._last: dict[Asked, str] = {}
        self._file: FileIO | None = None

    def times(self) -> dict[Asked, int]:
        """How often each was asked."""
        return {asked: len(places) for asked, places in self._places.items()}

    def answer(self, asked: Asked, number: int) -> Found | None:
        """What became of it the n-th time, n from 0; None where it was never asked.

        Whoever asks more often than was recorded gets what came last.
        """
        places = self._places.get(asked)
        if places is None:
            return None
        try:
            with self.path.open("rb") as file:
                file.seek(places[min(number, len(places) - 1)])
                return _found(_parsed(file.readline()))
        except (OSError, ValueError) as error:
            raise RecordingError(
                f"the recording {self.path} changed while it was read ({error}); record anew"
            ) from error

    def add(self, found: Mapping[Asked, Found]) -> None:
        """Append what became of each query, all of them or none.

        Raises `RecordingError` where the file cannot be written.
        """
        rows = [self._row(asked, answer) for asked, answer in found.items()]
        lines = [json.dumps(row, ensure_ascii=True).encode() + b"\n" for row in rows]
        self._write(b"".join(lines))
        for row, line in zip(rows, lines, strict=True):
            self.note(row, line)

    def note(self, row: Mapping[str, Any], line: bytes) -> None:
        """Remember the row of the next line; `ValueError` for one that repeats what there is not.

        For who reads or writes the file.
        """
        asked = (row["query"], row["top_k"])
        if "again" in row and asked not in self._places:
            raise ValueError(f"nothing was recorded before for {asked}")
        places = self._places.setdefault(asked, [])
        places.append(places[-1] if "again" in row else self.size)
        if "again" not in row:
            self._last[asked] = _digest(row)
        self.size += len(line)

    def synced(self) -> int:
        """Bytes so far, brought to the disk."""
        if self._file is not None:
            os.fsync(self._file.fileno())
        return self.size

    def close(self) -> None:
        """Write no more."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _row(self, asked: Asked, answer: Found) -> dict[str, Any]:
        query, top_k = asked
        row: dict[str, Any] = {"query": query, "top_k": top_k}
        if isinstance(answer, RetrievalError):
            row["failed"] = str(answer)
        else:
            row["documents"] = [
                {name: getattr(document, name) for name in _FIELDS} for document in answer
            ]
        if self._last.get(asked) == _digest(row):
            return {"query": query, "top_k": top_k, "again": True}
        return row

    def _write(self, data: bytes) -> None:
        try:
            if self._file is None:
                self._file = FileIO(self.path, "ab")  # unbuffered: there after a crash
            written = 0
            while written < len(data):
                written += self._file.write(memoryview(data)[written:])
        except OSError as error:
            if self._file is not None:
                self._file.truncate(self.size)
            raise RecordingError(
                f"the recording {self.path} could not be written: {error.strerror}; free some "
                "space, or record elsewhere"
            ) from error


def read_recording(path: str | os.PathLike[str]) -> Recording:
    """The recording in a file, or in a run folder's `retrieval.jsonl`.

    A last line that is not whole is left out, with a warning.

    Raises `RecordingError` for a file that cannot be read or that is no recording.
    """
    file = Path(path).expanduser()
    recording = Recording(file / FILE if file.is_dir() else file)
    try:
        with recording.path.open("rb") as lines:
            _note_all(recording, lines)
    except OSError as error:
        raise RecordingError(
            f"the recording {recording.path} cannot be read: {error.strerror}; give a run folder "
            "that was trained with retrieval.record=true, or a file of the retriever 'recorded'"
        ) from error
    return recording


def open_recording(path: str | os.PathLike[str], *, size: int | None = None) -> Recording:
    """A recording to add to: that of the file, or an empty one.

    Args:
        path: the file.
        size: bytes of it that are kept, those of a checkpoint; None: all that are whole.

    Raises `RecordingError` for a file that is no recording or cannot be written.
    """
    file = Path(path).expanduser()
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("ab") as opened:
            if size is not None and size < opened.tell():
                opened.truncate(size)
        recording = read_recording(file)
        os.truncate(file, recording.size)
    except OSError as error:
        raise RecordingError(
            f"the recording {file} cannot be written: {error.strerror}; record elsewhere"
        ) from error
    return recording


_FIELDS = ("id", "title", "text", "score")


def _note_all(recording: Recording, lines: Iterable[bytes]) -> None:
    broken: tuple[int, ValueError] | None = None
    for number, line in enumerate(lines, start=1):
        if broken:
            raise RecordingError(
                f"{recording.path}, line {broken[0]} is no line of a recording ({broken[1]}); only "
                "the last line may be damaged: take the file from a copy, or record anew"
            )
        try:
            recording.note(_parsed(line), line)
        except ValueError as error:
            broken = number, error
    if broken:
        logger.warning(
            "%s: line %d, the last, is not whole and is left out", recording.path, broken[0]
        )


def _parsed(line: bytes) -> dict[str, Any]:
    """The row of a line; `ValueError` for anything else."""
    if not line.endswith(b"\n"):
        raise ValueError("it is cut off")
    row = parse_json(line)
    if not isinstance(row, dict):
        raise ValueError(f"it is {type(row).__name__}, not an object")
    query, top_k = row.get("query"), row.get("top_k")
    if not isinstance(query, str) or isinstance(top_k, bool) or not isinstance(top_k, int):
        raise ValueError("it has no query with its top_k")
    if "again" not in row:
        _found(row)
    return row


def _found(row: Mapping[str, Any]) -> Found:
    if "failed" in row:
        return RetrievalError(str(row["failed"]))
    documents = row.get("documents")
    if not isinstance(documents, list):
        raise ValueError("it has no documents")
    return tuple(_document(document) for document in documents)


def _document(row: Any) -> Document:
    texts = isinstance(row, dict) and all(isinstance(row.get(name), str) for name in _FIELDS[:3])
    if not texts or not isinstance(row.get("score"), float):
        raise ValueError("a document is not whole")
    return Document(**{name: row[name] for name in _FIELDS})


def _digest(row: Mapping[str, Any]) -> str:
    """Of what was found or why nothing was, without the query."""
    return identity(row.get("failed"), row.get("documents"))
