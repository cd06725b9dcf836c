"""Searching concurrent requests together."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from igs_env.retrievers.contract import Found, Retriever, all_found, search_each
from igs_env.types import Document


class OverloadedError(Exception):
    """More queries are waiting than the server accepts."""


@dataclass(slots=True, kw_only=True)
class _Batch:
    # Mutable on purpose: it takes up queries until its search begins.
    queries: list[str] = field(default_factory=list)
    task: asyncio.Task[list[Found]] | None = None


class Batcher:
    """Queries that arrive while a search runs become the next one, together.

    Nothing waits for company: a lone client is searched for at once, and the busier the server, the
    more each search answers. One search runs at a time, in a thread; requests with different
    `top_k` are not mixed, so that nobody's result depends on who else is asking.
    """

    def __init__(self, retriever: Retriever, *, most_waiting: int) -> None:
        """`most_waiting`: queries, those being searched included."""
        self._retriever, self._most_waiting = retriever, most_waiting
        self.waiting = 0
        """Queries that wait for their search or are being searched."""
        self._open: dict[int, _Batch] = {}
        self._one_at_a_time = asyncio.Lock()

    async def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """Documents for each query.

        Raises:
            OverloadedError: too many queries are waiting already.
            RetrievalError: from the retriever.
        """
        if self.waiting + len(queries) > self._most_waiting:
            raise OverloadedError(f"{self.waiting} queries are waiting already")
        self.waiting += len(queries)
        try:
            batch = self._open.setdefault(top_k, _Batch())
            if batch.task is None:
                batch.task = asyncio.create_task(self._run(top_k))
            start = len(batch.queries)
            batch.queries.extend(queries)
            # One client that hangs up must not cancel the search of the others.
            found = await asyncio.shield(batch.task)
            return all_found(self, found[start : start + len(queries)])
        finally:
            self.waiting -= len(queries)

    async def _run(self, top_k: int) -> list[Found]:
        await asyncio.sleep(0)  # requests that have been read already come along
        async with self._one_at_a_time:
            batch = self._open.pop(top_k)
            return await asyncio.to_thread(search_each, self._retriever, batch.queries, top_k)
