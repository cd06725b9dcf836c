"""Reciprocal rank fusion."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from retrieval_fixtures import small_corpus

from igs_env.errors import ConfigurationError, RetrievalError
from igs_env.retrievers import make_retriever
from igs_env.retrievers.hybrid import HybridRetriever, fuse
from igs_env.types import Document


def ranking(ids: str) -> tuple[Document, ...]:
    return tuple(Document(id=id, title="", text="", score=9.0) for id in ids)


def test_a_score_is_the_sum_of_reciprocal_ranks() -> None:
    found = fuse([ranking("abc"), ranking("cb")], k=60)
    assert [(d.id, d.score) for d in found] == [
        ("c", pytest.approx(1 / 63 + 1 / 61)),
        ("b", pytest.approx(1 / 62 + 1 / 62)),
        ("a", pytest.approx(1 / 61)),
    ]


def test_equal_scores_go_to_the_retriever_that_is_named_first() -> None:
    assert [d.id for d in fuse([ranking("a"), ranking("b")])] == ["a", "b"]
    assert [d.id for d in fuse([ranking("b"), ranking("a")])] == ["b", "a"]


class Scripted:
    def __init__(self, ids: str) -> None:
        self.ids = ids

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        return [ranking(self.ids[:top_k]) for _ in queries]


def test_the_best_document_is_the_same_however_many_are_wanted() -> None:
    retriever = HybridRetriever([Scripted("abc"), Scripted("dec")])
    for top_k in (1, 2, 5):
        best = retriever.search(["any"], top_k)[0][0]
        assert (best.id, best.score) == ("c", pytest.approx(1 / 63 + 1 / 63))


def test_a_retriever_that_fails_is_not_left_out_silently() -> None:
    class Down:
        def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
            raise RetrievalError("down")

    with pytest.raises(RetrievalError, match="down"):
        HybridRetriever([make_retriever("bm25", small_corpus()), Down()]).search(["Alien"], 1)


def test_no_retrievers_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="at least one retriever"):
        make_retriever("hybrid", small_corpus(), retrievers=[])
