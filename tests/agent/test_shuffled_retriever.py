"""The shuffled control: real documents, of other questions, the same whoever asks beside."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from small_policy import small_task

from igs_agent.shuffled_retriever import ShuffledRetriever, queries_of
from igs_env.errors import ConfigurationError
from igs_env.retrievers.check import check_retriever
from igs_env.types import Document

TASK = small_task()
INNER = TASK.rules.retriever
QUERIES = queries_of(TASK.questions)


def ids(found: Sequence[tuple[Document, ...]]) -> list[list[str]]:
    return [[document.id for document in documents] for documents in found]


def test_no_document_is_the_querys_own() -> None:
    shuffled = ShuffledRetriever(INNER, QUERIES)
    own, foreign = INNER.search(QUERIES, 3), shuffled.search(QUERIES, 3)
    assert not any(set(a) & set(b) for a, b in zip(ids(own), ids(foreign), strict=True))
    assert sum(map(bool, foreign)) == len(QUERIES), "a control without documents is another one"


def test_no_needed_document_comes_back_more_often_than_by_chance() -> None:
    shuffled = ShuffledRetriever(INNER, QUERIES)
    hits = [
        bool({d.id for d in found} & {id for hop in question.gold_documents for id in hop})
        for question in TASK.questions
        for found in shuffled.search(question.metadata["queries"], 2)
    ]
    # A draw may be the question's other hop; there are hundreds of queries to draw from.
    assert sum(hits) / len(hits) < 0.05


def test_a_query_gets_the_same_documents_alone_and_in_any_batch() -> None:
    shuffled = ShuffledRetriever(INNER, QUERIES)
    together = ids(shuffled.search(QUERIES[:20], 2))
    assert together == [ids(shuffled.search([query], 2))[0] for query in QUERIES[:20]]
    assert together[::-1] == ids(shuffled.search(QUERIES[:20][::-1], 2))


def test_another_seed_draws_other_documents() -> None:
    first, second = (ids(ShuffledRetriever(INNER, QUERIES, s).search(QUERIES, 2)) for s in (0, 1))
    assert first != second


def test_it_keeps_the_contract_of_retrievers() -> None:
    check_retriever(ShuffledRetriever(INNER, QUERIES))


def test_where_everything_overlaps_the_overlap_is_left_out() -> None:
    class Everything:
        def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
            shared = Document(id="shared", title="", text="", score=2.0)
            return [(shared, Document(id=q, title="", text="", score=1.0)) for q in queries]

    found = ShuffledRetriever(Everything(), ["a", "b"]).search(["c"], 2)
    assert ids(found) in ([["a"]], [["b"]])


def test_a_single_query_cannot_be_shuffled() -> None:
    with pytest.raises(ConfigurationError, match="at least 2 questions"):
        ShuffledRetriever(INNER, ["a", "a"])
