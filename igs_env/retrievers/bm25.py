"""`bm25`: lexical search over any corpus, through bm25s."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import bm25s
import numpy as np
import numpy.typing as npt

from igs_env.datasets.cache import cache_folder
from igs_env.datasets.corpus import Corpus
from igs_env.errors import ConfigurationError, DataError
from igs_env.retrievers.checksums import check_whole, drop_damaged, write_checksums
from igs_env.retrievers.identity import identity
from igs_env.retrievers.index_card import IndexCard
from igs_env.retrievers.terms import TERMS_VERSION, query_words, stem, surface_words
from igs_env.retrievers.whole_folder import whole_folder
from igs_env.types import Document

KEPT_FROM = 10_000
"""Documents. The index of a smaller corpus is built anew each time, in less than a second."""

# bm25s sets its logger to DEBUG, which writes to every root handler whatever the root's level.
logging.getLogger("bm25s").setLevel(logging.WARNING)


class BM25Retriever:
    """Okapi BM25 in Lucene's form (Kamphuis et al. 2020), over title and text.

        score(q, d) = Σ_{w ∈ q} log(1 + (N − n_w + ½)/(n_w + ½)) · f / (f + k₁(1 − b + b|d|/avg))

    with f occurrences of w in d and n_w of N documents holding w. A document that holds no word
    of the query is never returned, so that a query may get fewer than `top_k` documents, or none.
    Equal scores are put in corpus order. Stopwords are dropped from queries only.
    """

    def __init__(
        self,
        corpus: Corpus,
        *,
        k1: float = 1.5,
        b: float = 0.75,
        index: str | os.PathLike[str] | None = None,
    ) -> None:
        """Open the index of `corpus`, or build it.

        Args:
            corpus: what is searched.
            k1: how late repeated words stop counting.
            b: how much long documents are held back, 0 to 1.
            index: folder that `igs index --retriever bm25` wrote. Default: built, in the cache
                folder for a corpus of at least `KEPT_FROM` documents, in memory for a smaller one.

        Raises:
            IndexMismatchError: `index` belongs to another corpus or to other settings.
            DataError: there is no index at `index`, or the corpus holds no words.
        """
        self._corpus = corpus
        card = bm25_card(corpus, k1=k1, b=b)
        self.fingerprint = identity(card)
        """Equal for retrievers that find the same."""
        if index is not None:
            self._index = _open(card, Path(index))
        elif len(corpus) < KEPT_FROM:
            self._index = _build(corpus, card)
        else:
            self._index = _cached(corpus, card)

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


def bm25_card(corpus: Corpus, *, k1: float, b: float) -> IndexCard:
    """Identity of the index of `corpus` with these constants."""
    settings = {"k1": k1, "b": b, "terms": TERMS_VERSION, "bm25s": bm25s.__version__}
    return IndexCard(
        kind="bm25", corpus=corpus.fingerprint, documents=len(corpus), settings=settings
    )


def build_bm25_index(corpus: Corpus, folder: Path, *, k1: float = 1.5, b: float = 0.75) -> None:
    """Build the index of `corpus` in `folder`; nothing to do where it is there already.

    Raises:
        IndexMismatchError: `folder` holds the index of another corpus or of other settings.
        DataError: the corpus holds no words, or `folder` holds something else.
    """
    card = bm25_card(corpus, k1=k1, b=b)
    if folder.exists():
        IndexCard.read(folder).check(card, folder)
    else:
        _save(_build(corpus, card), card, folder)


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


def _build(corpus: Corpus, card: IndexCard) -> bm25s.BM25:
    terms = _Terms()
    ids = [terms.ids(f"{document.title} {document.text}") for document in corpus]
    if not terms.vocabulary:
        raise DataError(
            f"the corpus' {len(corpus):,} documents hold no words, so BM25 can find none; check "
            "that its text is where the reader looks for it"
        )
    index = bm25s.BM25(
        k1=card.settings["k1"], b=card.settings["b"], method="lucene", backend="numpy"
    )
    index.index((ids, terms.vocabulary), create_empty_token=False, show_progress=False)
    return index


def _open(card: IndexCard, folder: Path) -> bm25s.BM25:
    IndexCard.read(folder).check(card, folder)
    check_whole(folder)
    index = bm25s.BM25.load(folder, mmap=True)
    # Slices of a plain view of the mapped file are several times cheaper than of a np.memmap.
    index.scores.update({key: np.asarray(index.scores[key]) for key in ("data", "indices")})
    return index


def _cached(corpus: Corpus, card: IndexCard) -> bm25s.BM25:
    folder = cache_folder() / "bm25" / identity(card)
    drop_damaged(folder)
    if folder.exists():
        return _open(card, folder)
    index = _build(corpus, card)
    # A cache that cannot be written only costs the next process the time to build it again.
    with suppress(ConfigurationError, OSError):
        _save(index, card, folder)
    return index


def _save(index: bm25s.BM25, card: IndexCard, folder: Path) -> None:
    with whole_folder(folder) as building:
        index.save(building, show_progress=False)
        card.write(building)
        write_checksums(building)


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
