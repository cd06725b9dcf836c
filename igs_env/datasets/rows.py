"""Rows of JSONL, JSON, Parquet and Arrow files, each with the place that an error can name."""

from __future__ import annotations

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, cast

from igs_env.datasets.registry import SUFFIXES
from igs_env.errors import DataError
from igs_env.strict_json import parse_json

Row = dict[str, Any]
Progress = Callable[[int], None]
"""Told how many bytes of the file have been read; unknown for Parquet and Arrow."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RowFile:
    """A file of rows."""

    path: Path
    """Checked to be a readable kind of file, see `open_rows`."""
    unit: str
    """What a row is called in errors: `line`, `item` or `row`; counted from 1."""

    def rows(self, progress: Progress | None = None) -> Iterator[tuple[int, Row]]:
        """Number and fields of each row, in order, without holding the file in memory.

        A `.json` file is the exception: it is one list and is read whole.
        """
        readers = {"line": json_lines, "item": json_items, "row": columns}
        return readers[self.unit](self.path, progress)

    def error(self, number: int, message: str) -> DataError:
        """Error that names this file and the row."""
        return DataError(f"{self.path}, {self.unit} {number}: {message}")


def open_rows(path: Path, what: str) -> RowFile:
    """The file at `path`, checked to exist and to be of a kind that is read.

    Args:
        path: file of rows.
        what: `questions` or `corpus`, for the errors.

    Raises:
        DataError: missing, a folder, or a suffix that is not read.
    """
    if path.is_dir():
        inside = sorted(entry.name for entry in path.iterdir() if entry.name.endswith(SUFFIXES))
        hint = f"for example {path / inside[0]}" if inside else f"it holds no {'/'.join(SUFFIXES)}"
        raise DataError(f"{what} {path} is a folder, not a file; name a file in it: {hint}")
    if not path.is_file():
        raise DataError(f"{what} file {path} does not exist (working folder: {Path.cwd()})")
    suffix = next((end for end in SUFFIXES if path.name.lower().endswith(end)), None)
    if suffix is None:
        raise DataError(
            f"{what} file {path} has a suffix that is not read; use {', '.join(SUFFIXES)}"
        )
    units = {".jsonl": "line", ".jsonl.gz": "line", ".json": "item"}
    return RowFile(path=path, unit=units.get(suffix, "row"))


def json_lines(path: Path, progress: Progress | None = None) -> Iterator[tuple[int, Row]]:
    """Objects of a `.jsonl` or `.jsonl.gz` file; blank lines are skipped."""
    with path.open("rb") as raw, _unpacked(path, raw) as stream:
        for number, line in _numbered_lines(path, stream):
            if progress and number % 1024 == 0:
                progress(raw.tell())
            if not line.isspace():
                yield number, _parse_line(path, number, line)


def _unpacked(path: Path, raw: BinaryIO) -> BinaryIO:
    return cast(BinaryIO, gzip.open(raw)) if path.name.lower().endswith(".gz") else raw


def _numbered_lines(path: Path, stream: BinaryIO) -> Iterator[tuple[int, bytes]]:
    number = 0
    try:
        for number, line in enumerate(stream, 1):
            yield number, line
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise DataError(
            f"{path}, after line {number}: the compressed file is cut short or damaged ({error}); "
            "fetch it again"
        ) from error


def _parse_line(path: Path, number: int, line: bytes) -> Row:
    where = f"{path}, line {number}"
    try:
        text = line.decode("utf-8-sig" if number == 1 else "utf-8")
    except UnicodeDecodeError as error:
        raise DataError(
            f"{where}: byte {error.start} (0x{line[error.start]:02x}) is not UTF-8; "
            "save the file as UTF-8"
        ) from error
    try:
        row = parse_json(text)
    except json.JSONDecodeError as error:
        raise DataError(
            f"{where}: not a whole JSON object ({error.msg} at column {error.colno}): "
            f"{_shorten(text)}; mend the line, or fetch the file again if it is cut short"
        ) from error
    return _as_object(where, row, escaped="\\ud" in text or "\\uD" in text)


def json_items(path: Path, progress: Progress | None = None) -> Iterator[tuple[int, Row]]:
    """Objects of a `.json` file that holds one list."""
    try:
        items = parse_json(path.read_bytes().decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise DataError(
            f"{path}: byte {error.start} is not UTF-8; save the file as UTF-8"
        ) from error
    except json.JSONDecodeError as error:
        hint = (
            "one object per line is called .jsonl: rename it"
            if error.msg == "Extra data"
            else "mend it, or fetch it again if it is cut short"
        )
        raise DataError(f"{path}, line {error.lineno}: not JSON ({error.msg}); {hint}") from error
    if not isinstance(items, list):
        raise DataError(f"{path}: holds {_name(items)}, needs a list of objects")
    for number, item in enumerate(items, 1):
        yield number, _as_object(f"{path}, item {number}", item, escaped=True)
    if progress:
        progress(path.stat().st_size)


def columns(path: Path, progress: Progress | None = None) -> Iterator[tuple[int, Row]]:
    """Rows of a Parquet or Arrow IPC file, a few thousand in memory at a time."""
    import pyarrow as pa

    number = 0
    try:
        for batch in _batches(path):
            for row in batch.to_pylist():
                number += 1
                yield number, row
    except (pa.ArrowInvalid, pa.ArrowException, UnicodeDecodeError) as error:
        raise DataError(
            f"{path}, after row {number}: not a readable {path.suffix} file "
            f"({_shorten(str(error))}); fetch it again, or write it anew"
        ) from error
    if progress:
        progress(path.stat().st_size)


def _batches(path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    if path.suffix.lower() == ".parquet":
        with pq.ParquetFile(path) as file:
            yield from file.iter_batches(batch_size=4096)
        return
    with pa.memory_map(str(path)) as source:
        try:
            reader = pa.ipc.open_file(source)
        except pa.ArrowInvalid:
            # The `datasets` package writes the stream format under the same suffix.
            source.seek(0)
            yield from pa.ipc.open_stream(source)
            return
        for index in range(reader.num_record_batches):
            yield reader.get_batch(index)


def _as_object(where: str, row: object, *, escaped: bool) -> Row:
    """The row itself; `escaped`: it may hold a half of a surrogate pair, which no file can hold."""
    if not isinstance(row, dict):
        raise DataError(f"{where}: holds {_name(row)}, needs an object with named fields")
    if escaped:
        try:
            json.dumps(row, ensure_ascii=False).encode()
        except UnicodeEncodeError as error:
            raise DataError(
                f"{where}: holds half a surrogate pair, {error.object[error.start]!a}; replace it "
                "by U+FFFD"
            ) from error
    return row


def _name(value: object) -> str:
    names = {list: "a list", str: "a string", bool: "true or false", dict: "one object"}
    return names.get(type(value), "null" if value is None else "a number")


def _shorten(text: str, limit: int = 60) -> str:
    text = " ".join(text.split())
    return repr(text if len(text) <= limit else text[: limit - 1] + "…")
