"""Turning a corpus file into the memory-mapped form, once.

Work goes to a folder with the ending `.partial`, which is renamed when it is complete: a reader
never meets half a corpus, and after a kill the next call starts over. Memory in use is a batch
of documents and 24 bytes per document while the ids are sorted (0.5 GB for 21 million).
"""

from __future__ import annotations

import json
import shutil
from array import array
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from igs_env.datasets.cache import cache_folder, file_key, only_process
from igs_env.datasets.corpus import read_documents
from igs_env.datasets.fingerprint import Fingerprint
from igs_env.datasets.mapped import (
    ABOUT,
    DOCUMENTS,
    HASHES,
    ROWS,
    VERSION,
    MappedCorpus,
    hash_id,
    is_mapped_corpus,
)
from igs_env.datasets.progress import ByteProgress
from igs_env.datasets.rows import RowFile
from igs_env.errors import DataError
from igs_env.types import Document

BATCH_ROWS = 16_384


def convert(file: RowFile) -> Path:
    """The folder of a corpus file's memory-mapped form, made unless it is there.

    Raises:
        DataError: a malformed row, a repeated id, no documents, or a cache folder that cannot
            be written.
    """
    folder = cache_folder() / "corpora" / file_key(file.path, VERSION)
    progress = ByteProgress(f"Converting {file.path.name}", file.path.stat().st_size)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with only_process(folder.with_name(f"{folder.name}.lock")):
            if not is_mapped_corpus(folder):
                write_mapped(read_documents(file, progress), folder, source=str(file.path))
    except OSError as error:
        raise DataError(
            f"cannot convert {file.path} into {folder}: {error}; free some space (about the "
            "unpacked size of the file), or set IGS_CACHE to a folder that can be written"
        ) from error
    finally:
        progress.close()
    return folder


def write_mapped(documents: Iterable[Document], folder: Path, *, source: str) -> None:
    """Write documents as a folder that `MappedCorpus` opens; all of it, or nothing.

    Args:
        documents: taken one batch at a time.
        folder: must not exist.
        source: where they come from, for errors and for people who look into the folder.

    Raises:
        DataError: a repeated id, or no documents.
        OSError: the folder cannot be written.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        hashes, fingerprint = _write_documents(documents, partial / DOCUMENTS)
        if not hashes:
            raise DataError(f"corpus {source} is empty; give at least one document")
        _write_ids(hashes, partial)
        _write_about(partial, len(hashes), fingerprint, source)
        _refuse_repeated_ids(partial, source)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _write_documents(documents: Iterable[Document], path: Path) -> tuple[array[int], str]:
    import pyarrow as pa

    schema = pa.schema([(name, pa.string()) for name in ("id", "title", "text")])
    hashes, fingerprint = array("Q"), Fingerprint()
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_file(sink, schema) as writer:
        for batch in _batches(documents):
            hashes.extend(hash_id(document.id) for document in batch)
            for document in batch:
                fingerprint.add(document)
            columns = [[getattr(document, name) for document in batch] for name in schema.names]
            writer.write_batch(pa.record_batch(columns, schema=schema))
    return hashes, fingerprint.hexdigest()


def _batches(documents: Iterable[Document]) -> Iterator[list[Document]]:
    stream = iter(documents)
    while batch := list(islice(stream, BATCH_ROWS)):
        yield batch


def _write_ids(hashes: array[int], folder: Path) -> None:
    column = np.frombuffer(hashes, dtype=np.uint64)
    order = np.argsort(column, kind="stable")
    column[order].astype("<u8", copy=False).tofile(folder / HASHES)
    order.astype("<u4").tofile(folder / ROWS)


def _write_about(folder: Path, documents: int, fingerprint: str, source: str) -> None:
    about: dict[str, Any] = {
        "version": VERSION,
        "documents": documents,
        "batch_rows": BATCH_ROWS,
        "fingerprint": fingerprint,
        "source": source,
    }
    (folder / ABOUT).write_text(json.dumps(about, indent=1), encoding="utf-8")


def _refuse_repeated_ids(folder: Path, source: str) -> None:
    """Equal hashes are only suspects: the ids themselves decide."""
    corpus = MappedCorpus(folder)
    hashes = np.fromfile(folder / HASHES, dtype="<u8")
    rows = np.fromfile(folder / ROWS, dtype="<u4")
    equal = hashes[1:] == hashes[:-1]
    suspects = rows[np.append(equal, False) | np.append(False, equal)]
    seen: dict[str, int] = {}
    for row in np.sort(suspects).tolist():
        first = seen.setdefault(corpus[row].id, row)
        if first != row:
            raise DataError(
                f"corpus {source}: documents {first + 1} and {row + 1} (from 1) share id "
                f"{corpus[row].id!r}; give every document an id of its own"
            )
