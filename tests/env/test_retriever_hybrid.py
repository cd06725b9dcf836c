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


def test_the_first_documents_do_not_depend_on_how_many_are_wanted() -> None:
    retriever = make_retriever(
        "hybrid", small_corpus(), retriever_kwargs={"dense": {"encoder": "hashing"}}
    )
    for query in ("film by Ridley Scott", "capital of Peru"):
        assert retriever.search([query], 10)[0][:2] == retriever.search([query], 2)[0]


def test_a_retriever_that_fails_is_not_left_out_silently() -> None:
    class Down:
        def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
            raise RetrievalError("down")

    with pytest.raises(RetrievalError, match="down"):
        HybridRetriever([make_retriever("bm25", small_corpus()), Down()]).search(["Alien"], 1)


def test_no_retrievers_is_an_error() -> None:
    with pytest.raises(ConfigurationError, match="at least one retriever"):
        make_retriever("hybrid", small_corpus(), retrievers=[])
