"""A corpus that stays on disk: documents in an Arrow file, ids in a sorted column of hashes.

The folder that `conversion.convert` writes:

- `documents.arrow`: Arrow IPC file of `id, title, text`, in record batches of equal length;
- `hashes.u64`: 64-bit hashes of the ids, ascending; `rows.u32`: the document of each; both
  little-endian and nothing else;
- `corpus.json`: number of documents, rows per batch, fingerprint, source, version.

All but the last are memory-mapped. Opening reads a few kilobytes whatever the size, processes on
one machine share the pages, and pages that were read are handed back now and then, so that they
do not count as this process' memory for as long as it lives.
"""

from __future__ import annotations

import hashlib
import json
import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from igs_env.errors import DataError
from igs_env.types import Document

VERSION = 1
"""Raised whenever the folder's layout or the meaning of a row changes."""

KEPT_READS = 64
"""Documents read at random until their pages are handed back; where the system maps files in
large pages, each can bring 2 MB of them."""

DOCUMENTS, HASHES, ROWS, ABOUT = "documents.arrow", "hashes.u64", "rows.u32", "corpus.json"


class MappedCorpus:
    """Documents of a converted corpus, read from disk when asked for."""

    def __init__(self, folder: Path) -> None:
        """Raises `DataError` for a folder that is damaged or of another version."""
        about = read_about(folder)
        self.folder = folder
        self.fingerprint: str = about["fingerprint"]
        self._length: int = about["documents"]
        self._batch_rows: int = about["batch_rows"]
        self._batches: dict[int, Any] = {}
        self._reads = 0
        self._maps = [_map(folder / name) for name in (DOCUMENTS, HASHES, ROWS)]
        self._reader = _open_arrow(folder, self._maps[0])
        self._hashes = _open_column(folder / HASHES, self._maps[1], "<u8", self._length)
        self._rows = _open_column(folder / ROWS, self._maps[2], "<u4", self._length)

    def __len__(self) -> int:
        """Number of documents."""
        return self._length

    def __getitem__(self, index: int, /) -> Document:
        """Document at a position, read from disk."""
        if not -self._length <= index < self._length:
            raise IndexError(f"document {index} of a corpus of {self._length}")
        batch, row = divmod(index % self._length, self._batch_rows)
        id, title, text = (column[row].as_py() for column in self._columns(batch))
        self._reads += 1
        if self._reads % KEPT_READS == 0:
            self._hand_back_pages()
        return Document(id=id, title=title, text=text)

    def __iter__(self) -> Iterator[Document]:
        """Documents in order, one record batch in memory at a time."""
        for batch in range(-(-self._length // self._batch_rows)):
            columns = (column.to_pylist() for column in self._columns(batch))
            for id, title, text in zip(*columns, strict=True):
                yield Document(id=id, title=title, text=text)
            self._hand_back_pages()

    def by_id(self, id: str, /) -> Document:
        """The document with this id, by binary search; DataError if there is none."""
        # As a numpy scalar: a Python int would make numpy copy the whole column to floats.
        key = np.uint64(hash_id(id))
        place = int(np.searchsorted(self._hashes, key))
        while place < self._length and self._hashes[place] == key:
            document = self[int(self._rows[place])]
            if document.id == id:
                return document
            place += 1
        raise DataError(
            f"corpus {self.folder} has no document {id!r}; "
            "check that questions and index belong to this corpus"
        )

    def __reduce__(self) -> tuple[type[MappedCorpus], tuple[Path]]:
        """Pickled as the folder's path, so that workers map the same file."""
        return MappedCorpus, (self.folder,)

    def _hand_back_pages(self) -> None:
        """They stay in the system's cache: reading them again costs a microsecond, not a disk."""
        if hasattr(mmap, "MADV_DONTNEED"):
            for pages in self._maps:
                pages.madvise(mmap.MADV_DONTNEED)

    def _columns(self, batch: int) -> list[Any]:
        if batch not in self._batches:
            self._batches[batch] = self._reader.get_batch(batch).columns
        columns: list[Any] = self._batches[batch]
        return columns


def hash_id(id: str) -> int:
    """64-bit hash of a document id."""
    return int.from_bytes(hashlib.blake2b(id.encode(), digest_size=8).digest(), "little")


def is_mapped_corpus(path: Path) -> bool:
    """Whether a path is a folder that a conversion has finished."""
    return (path / ABOUT).is_file()


def read_about(folder: Path) -> dict[str, Any]:
    """What `corpus.json` says.

    Raises:
        DataError: unreadable, or written by another version of the layout.
    """
    try:
        about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _damaged(folder, str(error)) from error
    if not isinstance(about, dict) or about.get("version") != VERSION:
        raise DataError(
            f"corpus {folder} was not written by this version; delete it and open the source again"
        )
    return about


def _map(path: Path) -> mmap.mmap:
    try:
        with path.open("rb") as file:
            return mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    except (OSError, ValueError) as error:
        raise _damaged(path.parent, f"{path.name}: {error}") from error


def _open_arrow(folder: Path, pages: mmap.mmap) -> Any:
    import pyarrow as pa

    try:
        return pa.ipc.open_file(pa.BufferReader(pa.py_buffer(pages)))
    except pa.ArrowInvalid as error:
        raise _damaged(folder, f"{DOCUMENTS}: {error}") from error


def _open_column(path: Path, pages: mmap.mmap, dtype: str, length: int) -> Any:
    if len(pages) != length * np.dtype(dtype).itemsize:
        raise _damaged(path.parent, f"{path.name} has {len(pages)} bytes for {length} documents")
    return np.frombuffer(pages, dtype=dtype)


def _damaged(folder: Path, reason: str) -> DataError:
    return DataError(
        f"corpus {folder} is damaged ({reason}); delete the folder and open the source again"
    )
