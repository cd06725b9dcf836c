"""`check_retriever`: whether a retriever of your own keeps the contract."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from igs_env.errors import RetrievalError
from igs_env.retrievers.contract import Retriever
from igs_env.types import Document

QUERIES = (
    "capital of France",
    "who directed the film Alien",
    "highest mountain in Africa",
    "Nobel Prize in Physics 1921",
)
"""Asked besides the corpus' own titles."""

HOSTILE = (
    "",
    " \t\n",
    "?!—…",
    "the of and",
    "x" * 20_000,
    "<search>nested</search>",
    '"quoted" AND (NOT broken OR',
    "naïve 東京 مرحبا 🜁",
    "null \x00 and \x1b[31m",
)
"""Queries that a policy may write. They may find nothing, or raise `RetrievalError`."""

TOLERANCE = 1e-4
"""Scores, relative and absolute: padded batches and matrix products differ in the last digits."""


def check_retriever(retriever: Retriever, corpus: Sequence[Document] | None = None) -> None:
    """Hold a retriever against the rules of `Retriever`.

    Args:
        retriever: yours.
        corpus: what it searches; then the documents' contents are compared too, and the first
            documents' titles must find something.

    Raises:
        AssertionError: names the rule, the query and what came back.
        RetrievalError: the retriever's own, when it cannot be reached at all.

    >>> class Nothing:
    ...     def search(self, queries, top_k):
    ...         return []
    >>> check_retriever(Nothing())
    Traceback (most recent call last):
    AssertionError: search(4 queries, top_k=1) gave 0 results; one tuple per query, in order
    """
    titles = [] if corpus is None else [corpus[i].title for i in range(min(len(corpus), 8))]
    queries = list(dict.fromkeys((*QUERIES, *filter(None, titles))))
    _check_empty_batch(retriever)
    found = [_search(retriever, queries, top_k) for top_k in (1, 3, 10)]
    _check_finds_something(queries, found[-1])
    _check_repeatable(retriever, queries, found[1])
    _check_hostile(retriever)
    if corpus is not None:
        _check_documents(found[-1], corpus)


def _search(retriever: Retriever, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
    asked = list(queries)
    found: Any = retriever.search(asked, top_k)
    call = f"search({len(queries)} queries, top_k={top_k})"
    _claim(asked == list(queries), f"{call} changed the list of queries it was given")
    _claim(isinstance(found, list), f"{call} gave {type(found).__name__}; it must give a list")
    _claim(
        len(found) == len(queries),
        f"{call} gave {len(found)} results; one tuple per query, in order",
    )
    for query, documents in zip(queries, found, strict=True):
        _check_result(query, documents, top_k)
    return list(found)


def _check_result(query: str, documents: Any, top_k: int) -> None:
    asked = f"query {query[:60]!r} with top_k={top_k}"
    _claim(
        isinstance(documents, tuple) and all(isinstance(item, Document) for item in documents),
        f"{asked} gave {documents!r:.100}; it must be a tuple of igs_env.types.Document",
    )
    _claim(len(documents) <= top_k, f"{asked} gave {len(documents)} documents")
    ids = [document.id for document in documents]
    _claim(all(ids), f"{asked} gave a document without id; every document needs its own")
    _claim(len(set(ids)) == len(ids), f"{asked} gave a document twice: {', '.join(ids)}")
    scores = [document.score for document in documents]
    _claim(
        all(isinstance(score, float) and math.isfinite(score) for score in scores),
        f"{asked} gave scores {scores}; each must be a finite float",
    )
    _claim(
        all(first >= second for first, second in pairwise(scores)),
        f"{asked} gave scores {scores}; best first, so they must not rise",
    )


def _check_empty_batch(retriever: Retriever) -> None:
    found = retriever.search([], 3)
    _claim(found == [], f"search([], 3) gave {found!r}; no queries, no results: []")


def _check_finds_something(queries: Sequence[str], found: list[tuple[Document, ...]]) -> None:
    _claim(
        any(found),
        f"none of {len(queries)} queries found a document ({', '.join(queries[:5])}, …); pass "
        "corpus= so that it is asked for its own titles, and check that its index is filled",
    )


def _check_repeatable(
    retriever: Retriever, queries: Sequence[str], together: list[tuple[Document, ...]]
) -> None:
    reverse = _search(retriever, [*reversed(queries), queries[0]], 3)
    for query, first, second in zip(queries, together, reversed(reverse[:-1]), strict=True):
        _check_same(query, first, second, "in a batch and in the reverse batch")
    _check_same(queries[0], together[0], reverse[-1], "when a batch holds it twice")
    for query, first in zip(queries, together, strict=True):
        _check_same(query, first, _search(retriever, [query], 3)[0], "in a batch and alone")


def _check_same(
    query: str, first: tuple[Document, ...], second: tuple[Document, ...], when: str
) -> None:
    # Documents that score alike may change places: only the last digits keep them apart.
    alike = len(first) == len(second) and all(
        math.isclose(a.score, b.score, rel_tol=TOLERANCE, abs_tol=TOLERANCE)
        for a, b in zip(first, second, strict=True)
    )
    _claim(
        alike,
        f"query {query!r} finds different documents {when}: {_ids(first)} and {_ids(second)}; "
        "a result must not depend on what else is asked",
    )
    last = first[-1].score if first else 0.0
    clear = {d.id for d in first if d.score > last + TOLERANCE * (1 + abs(last))}
    _claim(
        clear <= {document.id for document in second},
        f"query {query!r} finds different documents {when}: {_ids(first)} and {_ids(second)}",
    )


def _check_hostile(retriever: Retriever) -> None:
    for query in HOSTILE:
        try:
            _search(retriever, [query], 3)
        except RetrievalError:
            continue


def _check_documents(found: list[tuple[Document, ...]], corpus: Sequence[Document]) -> None:
    known = {corpus[i].id: corpus[i] for i in range(len(corpus))}
    for document in {document.id: document for result in found for document in result}.values():
        _claim(
            document.id in known, f"document {document.id!r} was found, but is not in the corpus"
        )
        original = known[document.id]
        _claim(
            (document.title, document.text) == (original.title, original.text),
            f"document {document.id!r} was found with other contents than in the corpus: "
            f"{document.text[:60]!r} instead of {original.text[:60]!r}",
        )


def _ids(documents: tuple[Document, ...]) -> str:
    return ", ".join(f"{document.id} ({document.score:g})" for document in documents) or "nothing"


def _claim(holds: bool, message: str) -> None:
    # Not an assert statement, which python -O drops.
    if not holds:
        raise AssertionError(message)
