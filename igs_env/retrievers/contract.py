"""What a retriever is: the one method that every search backend has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from igs_env.errors import RetrievalError
from igs_env.types import Document


@runtime_checkable
class Retriever(Protocol):
    """Documents for queries; `igs_env.testing.check_retriever` tests every rule below.

    - One tuple per query, in the order of the queries; no queries, no tuples.
    - At most `top_k` documents each, best first: scores do not rise. Fewer, or none, where the
      query matches fewer; never padding.
    - No document twice in a tuple. `Document.score` is the retriever's own score.
    - The same query gets the same documents with the same scores, alone or in any batch.
    - A search that cannot be carried out raises `RetrievalError`: it is never an empty tuple and
      never a document that talks about the failure.
    """

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """Up to `top_k` ≥ 1 documents for each query, best first."""
        ...


def search_unique(
    retriever: Retriever, queries: Sequence[str], top_k: int
) -> list[tuple[Document, ...]]:
    """`retriever.search`, with identical queries of the batch searched once.

    Raises:
        RetrievalError: from the retriever, or because it gave another number of results than it
            was asked for.

    >>> class Echo:
    ...     def search(self, queries, top_k):
    ...         print("searching", queries)
    ...         return [(Document(id=query, title="", text=query),) for query in queries]
    >>> found = search_unique(Echo(), ["a", "b", "a"], top_k=1)
    searching ['a', 'b']
    >>> [documents[0].id for documents in found]
    ['a', 'b', 'a']
    """
    unique = list(dict.fromkeys(queries))
    if not unique:
        return []
    found = retriever.search(unique, top_k)
    if len(found) != len(unique):
        raise RetrievalError(
            f"{type(retriever).__name__} gave {len(found)} results for {len(unique)} queries; "
            "Retriever.search must give one tuple of documents per query, in order"
        )
    results = dict(zip(unique, found, strict=True))
    return [results[query] for query in queries]
