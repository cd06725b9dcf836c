"""`none`: the corpus of whoever searches a server and holds no documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NoReturn

from igs_env.errors import ConfigurationError
from igs_env.types import Document

NAME = "none"
"""In `igs_env.datasets.CORPORA`."""


class AbsentCorpus:
    """No documents; whoever asks for one is told to give a corpus.

    >>> len(AbsentCorpus())
    0
    """

    def __len__(self) -> int:
        """0."""
        return 0

    def __getitem__(self, index: int, /) -> Document:
        """Never a document: raises `ConfigurationError`."""
        _refuse()

    def __iter__(self) -> Iterator[Document]:
        """Never a document: raises `ConfigurationError`."""
        _refuse()

    def by_id(self, id: str, /) -> Document:
        """Never a document: raises `ConfigurationError`."""
        _refuse()

    @property
    def fingerprint(self) -> str:
        """Never one: raises `ConfigurationError`."""
        _refuse()


def corpus() -> AbsentCorpus:
    """The absent corpus."""
    return AbsentCorpus()


def _refuse() -> NoReturn:
    raise ConfigurationError(
        "this needs documents, and the corpus is 'none': pass corpus= a name or a file. Only "
        "searching a server (retriever='http://…') goes without"
    )
