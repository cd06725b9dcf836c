"""A part of a corpus: a run of its documents, for an index that is divided over servers."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator

from igs_env.datasets.corpus import Corpus
from igs_env.errors import ConfigurationError, DataError
from igs_env.types import Document


class CorpusPart:
    """The `number`-th (from 0) of `parts` runs of about equally many documents.

    >>> from igs_env.datasets import open_corpus
    >>> corpus = open_corpus([Document(id=id, title="", text="") for id in "abcde"])
    >>> [[document.id for document in CorpusPart(corpus, number, 2)] for number in (0, 1)]
    [['a', 'b'], ['c', 'd', 'e']]
    """

    def __init__(self, corpus: Corpus, number: int, parts: int) -> None:
        """Raises `ConfigurationError` for a part that there is not, or that is empty."""
        if not 0 <= number < parts <= len(corpus):
            raise ConfigurationError(
                f"part {number}/{parts} of a corpus of {len(corpus):,} documents: number them from "
                "0, with at least one document in each"
            )
        self._corpus = corpus
        self._start, self._stop = (len(corpus) * edge // parts for edge in (number, number + 1))
        name = f"{corpus.fingerprint}/{self._start}-{self._stop}"
        self.fingerprint = hashlib.sha256(name.encode()).hexdigest()
        """Of the corpus and of which documents these are."""

    def __len__(self) -> int:
        """Number of documents."""
        return self._stop - self._start

    def __getitem__(self, index: int, /) -> Document:
        """Document at a position of the part."""
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        return self._corpus[self._start + index % len(self)]

    def __iter__(self) -> Iterator[Document]:
        """Documents in order."""
        return (self._corpus[place] for place in range(self._start, self._stop))

    def by_id(self, id: str, /) -> Document:
        """The document with this id; DataError if the part has none."""
        document = self._corpus.by_id(id)
        if all(document.id != own.id for own in self):
            raise DataError(f"document {id!r} is in another part of the corpus")
        return document
