"""A corpus whose documents are all held in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cached_property

from igs_env.datasets.fingerprint import Fingerprint
from igs_env.errors import DataError
from igs_env.types import Document


class HeldCorpus:
    """Documents in memory, for corpora of up to some ten thousand.

    >>> corpus = HeldCorpus([Document(id="1", title="Alien", text="A film.")])
    >>> len(corpus), corpus.by_id("1").title
    (1, 'Alien')
    """

    def __init__(self, documents: Sequence[Document], *, name: str = "of live documents") -> None:
        """Raises `DataError` without documents, for a repeated id, or for another type."""
        if not documents:
            raise DataError(f"corpus {name} is empty; give at least one document")
        self._documents = tuple(documents)
        self._name = name
        self._index: dict[str, int] = {}
        for index, document in enumerate(self._documents):
            self._add(index, document)

    def _add(self, index: int, document: Document) -> None:
        if not isinstance(document, Document):
            raise DataError(
                f"corpus {self._name}: number {index + 1} is {type(document).__name__}; "
                "needs igs_env.types.Document"
            )
        first = self._index.setdefault(document.id, index)
        if first != index:
            raise DataError(
                f"corpus {self._name}: documents {first + 1} and {index + 1} (from 1) share id "
                f"{document.id!r}; give every document an id of its own"
            )

    def __len__(self) -> int:
        """Number of documents."""
        return len(self._documents)

    def __getitem__(self, index: int, /) -> Document:
        """Document at a position."""
        return self._documents[index]

    def __iter__(self) -> Iterator[Document]:
        """Documents in order."""
        return iter(self._documents)

    def by_id(self, id: str, /) -> Document:
        """The document with this id; DataError if there is none."""
        try:
            return self._documents[self._index[id]]
        except KeyError:
            raise DataError(
                f"corpus {self._name} has no document {id!r}; "
                "check that questions and index belong to this corpus"
            ) from None

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 over all documents, computed on first use."""
        fingerprint = Fingerprint()
        for document in self._documents:
            fingerprint.add(document)
        return fingerprint.hexdigest()
