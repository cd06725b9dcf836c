"""`bm25`: lexical search over any corpus, through bm25s."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

import bm25s
import numpy as np
import numpy.typing as npt

from igs_env.datasets.corpus import Corpus
from igs_env.retrievers.terms import query_words, stem, surface_words
from igs_env.types import Document

# bm25s sets its logger to DEBUG, which writes to every root handler whatever the root's level.
logging.getLogger("bm25s").setLevel(logging.WARNING)


class BM25Retriever:
    """Okapi BM25 in Lucene's form (Kamphuis et al. 2020), over title and text.

        score(q, d) = Σ_{w ∈ q} log(1 + (N − n_w + ½)/(n_w + ½)) · f / (f + k₁(1 − b + b|d|/avg))

    with f occurrences of w in d and n_w of N documents holding w. A document that holds no word
    of the query is never returned, so that a query may get fewer than `top_k` documents, or none.
    Equal scores are put in corpus order. Stopwords are dropped from queries only.
    """

    def __init__(self, corpus: Corpus, *, k1: float = 1.5, b: float = 0.75) -> None:
        """Index `corpus` in memory."""
        self._corpus = corpus
        terms = _Terms()
        ids = [terms.ids(f"{document.title} {document.text}") for document in corpus]
        self._index = bm25s.BM25(k1=k1, b=b, method="lucene", backend="numpy")
        self._index.index((ids, terms.vocabulary), create_empty_token=False, show_progress=False)

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """Up to `top_k` documents that share a word with the query, best first."""
        return [self._search(query, top_k) for query in queries]

    def _search(self, query: str, top_k: int) -> tuple[Document, ...]:
        terms = self._index.get_tokens_ids([stem(word) for word in query_words(query)])
        if not terms:
            return ()
        scores = self._index.get_scores_from_ids(terms)
        return tuple(
            replace(self._corpus[int(i)], score=float(scores[i])) for i in best(scores, top_k)
        )


def best(scores: npt.NDArray[np.float32], top_k: int) -> npt.NDArray[np.intp]:
    """Positions of the `top_k` highest positive scores, best first, equal ones by position.

    >>> best(np.array([0.0, 1.0, 2.0, 1.0], dtype=np.float32), 2).tolist()
    [2, 1]
    """
    found = np.flatnonzero(scores)
    if len(found) > top_k:
        kept = scores[found]
        threshold = np.partition(kept, -top_k)[-top_k]
        found = found[kept >= threshold]
    return found[np.argsort(-scores[found], kind="stable")][:top_k]


class _Terms:
    """Numbers for index terms, given out in order of first occurrence."""

    def __init__(self) -> None:
        self.vocabulary: dict[str, int] = {}
        # Stemming happens once per surface word, not once per occurrence.
        self._of_surface: dict[str, int] = {}

    def ids(self, text: str) -> list[int]:
        known = self._of_surface
        return [known[word] if word in known else self._new(word) for word in surface_words(text)]

    def _new(self, surface: str) -> int:
        number = self.vocabulary.setdefault(stem(surface), len(self.vocabulary))
        self._of_surface[surface] = number
        return number
