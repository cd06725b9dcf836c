"""What a retriever is: the one method that every search backend has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from igs_env.errors import RetrievalError
from igs_env.types import Document

Found = tuple[Document, ...] | RetrievalError
"""What became of one query: its documents, or why it could not be searched."""


class PartlyFailedError(RetrievalError):
    """Some queries of a batch could not be searched."""

    def __init__(self, retriever: object, found: Sequence[Found]) -> None:
        """The message is the first failure's.

        Args:
            retriever: whose `search` raises it. One that asks another and lets its error pass is
                not believed to have found what the other did.
            found: what became of each query.
        """
        super().__init__(str(next(each for each in found if isinstance(each, RetrievalError))))
        self.retriever, self.found = retriever, tuple(found)


@runtime_checkable
class Retriever(Protocol):
    """Documents for queries; `igs_env.testing.check_retriever` tests every rule below.

    - One tuple per query, in the order of the queries; no queries, no tuples.
    - At most `top_k` documents each, best first: scores do not rise. Fewer, or none, where the
      query matches fewer; never padding.
    - No document twice in a tuple. `Document.score` is the retriever's own score.
    - The same query gets the same documents with the same scores, alone or in any batch.
    - A search that cannot be carried out raises `RetrievalError`: it is never an empty tuple and
      never a document that talks about the failure. Where it took some queries of a batch only,
      the error is a `PartlyFailedError`, which has what the others found.
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
    return all_found(retriever, search_each(retriever, queries, top_k))


def search_each(retriever: Retriever, queries: Sequence[str], top_k: int) -> list[Found]:
    """`search_unique`, but a failure is told of the queries that it took, and is not raised.

    >>> class Picky:
    ...     def search(self, queries, top_k):
    ...         refused = RetrievalError("b is refused")
    ...         return all_found(self, [refused if query == "b" else () for query in queries])
    >>> search_each(Picky(), ["a", "b", "a"], 1)
    [(), RetrievalError('b is refused'), ()]
    """
    unique = list(dict.fromkeys(queries))
    results = dict(zip(unique, _outcomes(retriever, unique, top_k), strict=True)) if unique else {}
    return [results[query] for query in queries]


def all_found(retriever: object, found: Sequence[Found]) -> list[tuple[Document, ...]]:
    """The documents of a retriever's search.

    Raises `PartlyFailedError` where queries failed, and their error if it took all of them.
    """
    failures = [each for each in found if isinstance(each, RetrievalError)]
    if not failures:
        return [each for each in found if not isinstance(each, RetrievalError)]
    if len(failures) == len(found) and len(set(map(str, failures))) == 1:
        raise failures[0]
    raise PartlyFailedError(retriever, found)


def _outcomes(retriever: Retriever, queries: Sequence[str], top_k: int) -> Sequence[Found]:
    found: Sequence[Found]
    try:
        found = retriever.search(queries, top_k)
    except PartlyFailedError as error:
        found = error.found if error.retriever is retriever else [error] * len(queries)
    except RetrievalError as error:
        found = [error] * len(queries)
    if len(found) == len(queries):
        return found
    wrong = RetrievalError(
        f"{type(retriever).__name__} gave {len(found)} results for {len(queries)} queries; "
        "Retriever.search must give one tuple of documents per query, in order"
    )
    return [wrong] * len(queries)
