"""Titles and texts of the documents that episodes name by their ids."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING

from igs_env.errors import DataError, IGSearchError

if TYPE_CHECKING:
    from igs_env.datasets import Corpus

EMBEDDED = ("atlas", "fiction")
"""Corpora that open in a moment. Others are only opened when asked for: wiki18 takes minutes."""


class DocumentTexts:
    """Documents by id, as far as a corpus is at hand."""

    def __init__(self, corpus: Corpus | None, problem: str | None) -> None:
        """Look up in `corpus`; without one, `problem` says why."""
        self._corpus = corpus
        self.problem = problem
        """Why there is no corpus, as a sentence; None where there is one."""

    def of(self, ids: Iterable[str]) -> dict[str, tuple[str, str]]:
        """Id → (title, text) of those that the corpus has."""
        if self._corpus is None:
            return {}
        found = {}
        for id in dict.fromkeys(ids):
            with suppress(DataError):  # of another corpus
                document = self._corpus.by_id(id)
                found[id] = (document.title, document.text)
        return found


def open_documents(source: str | None, *, asked_for: bool) -> DocumentTexts:
    """The corpus of that source.

    Args:
        source: see `igs_env.datasets.open_corpus`; None where it is not known.
        asked_for: by the user, who then also waits for it, and is told of a mistake.

    Raises:
        ConfigurationError, DataError: as of `open_corpus`, of a corpus that was asked for.
    """
    if source is None or source == "none":
        return DocumentTexts(None, _ids_only("no corpus of this run is known"))
    if not asked_for and source.partition(":")[0] not in EMBEDDED:
        return DocumentTexts(None, _ids_only(f"the corpus {source!r} is not opened by itself"))
    from igs_env.datasets import open_corpus

    try:
        return DocumentTexts(open_corpus(source), None)
    except IGSearchError as error:
        if asked_for:
            raise
        return DocumentTexts(None, _ids_only(f"the corpus {source!r} cannot be opened ({error})"))


def _ids_only(reason: str) -> str:
    return f"{reason}: documents are shown by their ids; --corpus NAME opens one"
