"""`hybrid`: several retrievers' rankings made into one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from igs_env.datasets.corpus import Corpus
from igs_env.errors import ConfigurationError, RetrievalError
from igs_env.retrievers.contract import Found, Retriever, all_found, search_each
from igs_env.retrievers.identity import identity
from igs_env.retrievers.registry import make_retriever
from igs_env.types import Document


class HybridRetriever:
    """Reciprocal rank fusion (Cormack, Clarke and Büttcher 2009, SIGIR, k = 60).

        score(d) = Σ_r 1/(k + rank_r(d)),  rank 1 for a retriever's best document

    Each retriever is asked for `depth` documents, so that the first three are the same whether
    three or ten are wanted. Equal scores: the document that some retriever ranked higher, then
    the one of the retriever that is named first.
    """

    def __init__(self, retrievers: Sequence[Retriever], *, k: int = 60, depth: int = 100) -> None:
        """`depth`: documents per retriever that take part."""
        if not retrievers or k < 0 or depth < 1:
            raise ConfigurationError(
                "hybrid needs at least one retriever, k of at least 0 and depth of at least 1"
            )
        self._retrievers, self._k, self._depth = tuple(retrievers), k, depth
        parts = [getattr(retriever, "fingerprint", None) for retriever in retrievers]
        if None not in parts:
            self.fingerprint = identity("hybrid", parts, k, depth)

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """Up to `top_k` documents per query by fused score; what one retriever fails at fails."""
        depth = max(self._depth, top_k)
        rankings = [search_each(retriever, queries, depth) for retriever in self._retrievers]
        return all_found(
            self, [self._fused(of_query, top_k) for of_query in zip(*rankings, strict=True)]
        )

    def _fused(self, rankings: Sequence[Found], top_k: int) -> Found:
        failures = [ranking for ranking in rankings if isinstance(ranking, RetrievalError)]
        if failures:
            return failures[0]
        ranked = [ranking for ranking in rankings if not isinstance(ranking, RetrievalError)]
        return fuse(ranked, k=self._k)[:top_k]


def fuse(rankings: Sequence[Sequence[Document]], *, k: int = 60) -> tuple[Document, ...]:
    """One ranking out of several, by reciprocal rank.

    >>> a, b = (Document(id=id, title="", text="") for id in "ab")
    >>> [(document.id, document.score) for document in fuse([[a, b], [b]], k=0)]
    [('b', 1.5), ('a', 1.0)]
    """
    scores: dict[str, float] = {}
    documents: dict[str, Document] = {}
    best: dict[str, tuple[int, int]] = {}
    for number, ranking in enumerate(rankings):
        for rank, document in enumerate(ranking, start=1):
            scores[document.id] = scores.get(document.id, 0.0) + 1 / (k + rank)
            documents.setdefault(document.id, document)
            best[document.id] = min(best.get(document.id, (rank, number)), (rank, number))
    order = sorted(scores, key=lambda id: (-scores[id], best[id]))
    return tuple(replace(documents[id], score=scores[id]) for id in order)


def hybrid(
    corpus: Corpus,
    *,
    retrievers: Sequence[str | Retriever] = ("bm25", "dense"),
    retriever_kwargs: Mapping[str, Mapping[str, Any]] | None = None,
    k: int = 60,
    depth: int = 100,
) -> HybridRetriever:
    """Reciprocal rank fusion of named retrievers over `corpus`.

    Args:
        corpus: what each of them searches.
        retrievers: see `make_retriever`.
        retriever_kwargs: name → arguments of that retriever.
        k: how little the first ranks stand out.
        depth: documents per retriever that take part.

    >>> from igs_env.datasets import open_corpus
    >>> corpus = open_corpus([Document(id="1", title="Alien", text="A film.")])
    >>> found = hybrid(corpus, retrievers=["bm25"]).search(["alien"], top_k=3)
    >>> found[0][0].score == 1 / 61
    True
    """
    kwargs = retriever_kwargs or {}
    unused = set(kwargs) - {name for name in retrievers if isinstance(name, str)}
    if unused:
        raise ConfigurationError(
            f"retriever_kwargs has {', '.join(sorted(unused))}, which is not among the "
            f"retrievers: {', '.join(map(str, retrievers))}"
        )
    made = [
        make_retriever(spec, corpus, **(kwargs.get(spec, {}) if isinstance(spec, str) else {}))
        for spec in retrievers
    ]
    return HybridRetriever(made, k=k, depth=depth)
