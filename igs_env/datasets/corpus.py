"""Corpora: what one is, and how it is found from a name, a file or live documents."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, cast

from igs_env.datasets.contents import document_from_row
from igs_env.datasets.held import HeldCorpus
from igs_env.datasets.registry import CORPORA, resolve
from igs_env.datasets.rows import Progress, RowFile, open_rows
from igs_env.errors import DataError
from igs_env.types import Document

IN_MEMORY_BELOW = 16 * 2**20
"""Bytes. A smaller file is simply read; a larger one is converted once and memory-mapped."""


class Corpus(Protocol):
    """Documents in a fixed order, each reachable by position and by id."""

    def __len__(self) -> int:
        """Number of documents, at least 1."""
        ...

    def __getitem__(self, index: int, /) -> Document:
        """Document at a position, negative from the end; IndexError outside."""
        ...

    def __iter__(self) -> Iterator[Document]:
        """Documents in order."""
        ...

    def by_id(self, id: str, /) -> Document:
        """The document with this id; DataError if there is none."""
        ...

    @property
    def fingerprint(self) -> str:
        """Equal for equal documents; an index is refused for a corpus with another one."""
        ...


CorpusSource = str | os.PathLike[str] | Sequence[Document] | Corpus


def open_corpus(source: CorpusSource, *, in_memory_below: int = IN_MEMORY_BELOW) -> Corpus:
    """The corpus that `source` names.

    Args:
        source: a registered name, with arguments after a colon
            (`fiction:documents=20000,seed=3`); a `.jsonl`, `.jsonl.gz`, `.json`, `.parquet` or
            `.arrow` file of `id, contents` or `id, title, text`; a folder that a conversion
            wrote; `module:attribute`; `Document` objects; or a `Corpus`, which is returned as is.
        in_memory_below: bytes; see `IN_MEMORY_BELOW`.

    Raises:
        ConfigurationError: an unknown name or argument.
        DataError: a missing or malformed file, a malformed row, a repeated id, no documents.

    >>> corpus = open_corpus([Document(id="1", title="Alien", text="A film.")])
    >>> corpus.by_id("1").title
    'Alien'
    """
    found: Any = resolve("corpus", source, CORPORA) if isinstance(source, str) else source
    if isinstance(found, os.PathLike):
        return _open_path(Path(found), in_memory_below)
    if hasattr(found, "by_id"):
        return cast(Corpus, found)
    if not isinstance(found, Sequence):
        raise DataError(f"corpus is {type(found).__name__}; give documents, a file or a name")
    return HeldCorpus(found)


def _open_path(path: Path, in_memory_below: int) -> Corpus:
    from igs_env.datasets.mapped import MappedCorpus, is_mapped_corpus

    if is_mapped_corpus(path):
        return MappedCorpus(path)
    file = open_rows(path, "corpus")
    if path.stat().st_size < in_memory_below:
        return HeldCorpus(list(read_documents(file)), name=str(path))
    from igs_env.datasets.conversion import convert

    return MappedCorpus(convert(file))


def read_documents(file: RowFile, progress: Progress | None = None) -> Iterator[Document]:
    """Documents of a corpus file, in order.

    Raises:
        DataError: names the file, the line, the field, what was got and what to do.
    """
    for number, row in file.rows(progress):
        try:
            yield document_from_row(row)
        except ValueError as error:
            raise file.error(number, str(error)) from error
