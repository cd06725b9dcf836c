"""A control: documents of another question, so that searching well cannot help."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from igs_env.errors import ConfigurationError
from igs_env.retrievers import Retriever
from igs_env.types import Document, Question

_TRIES = 8


class ShuffledRetriever:
    """Answers a query with what another query finds.

    The other query is drawn by (seed, query), so that a query always gets the same documents,
    alone or in any batch. A draw whose documents overlap with the query's own is drawn again.
    """

    def __init__(self, inner: Retriever, queries: Iterable[str], seed: int = 0) -> None:
        """Draw from `queries`; `queries_of` gives those of a set of questions."""
        self._inner, self._seed = inner, seed
        self._queries = sorted(set(queries))
        if len(self._queries) < 2:
            raise ConfigurationError(
                f"shuffled documents need queries of at least 2 questions, got {self._queries}"
            )

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """See `Retriever.search`; scores are the other query's.

        Where all of eight draws overlap, the documents that are the query's own are left out.
        """
        own = [{d.id for d in found} for found in self._inner.search(queries, top_k)]
        results: dict[int, tuple[Document, ...]] = {}
        for number in range(_TRIES):
            waiting = [index for index in range(len(queries)) if index not in results]
            drawn = [self._draw(queries[index], number) for index in waiting]
            found = self._inner.search(drawn, top_k) if drawn else []
            for index, documents in zip(waiting, found, strict=True):
                foreign = tuple(d for d in documents if d.id not in own[index])
                if len(foreign) == len(documents) or number == _TRIES - 1:
                    results[index] = foreign
        return [results[index] for index in range(len(queries))]

    def _draw(self, query: str, number: int) -> str:
        key = f"{self._seed}/{number}/{query}".encode("utf-8", "replace")
        place = int.from_bytes(hashlib.sha256(key).digest()[:8], "big")
        return self._queries[place % len(self._queries)]


def queries_of(questions: Iterable[Question]) -> list[str]:
    """Each question's gold queries where its dataset has them, else its text.

    >>> queries_of([Question(id="1", text="Who?", answers=("Ann",))])
    ['Who?']
    """
    return [
        query
        for question in questions
        for query in question.metadata.get("queries") or [question.text]
    ]
