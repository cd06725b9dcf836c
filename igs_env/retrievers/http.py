"""`http`: a retriever that asks a retrieval server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import httpx

from igs_env.datasets.corpus import Corpus
from igs_env.errors import ConfigurationError, RetrievalError, unknown_name
from igs_env.retrievers.connections import ConnectionOptions, Connections, excerpt
from igs_env.retrievers.contract import Found, all_found
from igs_env.retrievers.dialects import DIALECTS, UndecodableError, UnexpectedAnswerError
from igs_env.retrievers.identity import identity
from igs_env.retrievers.retrying import Retrying, TransientError
from igs_env.retrievers.token import VARIABLE
from igs_env.types import Document

WRONG_ADDRESS = "check url= and dialect=: is this a retrieval server, and what does it speak?"


class HttpRetriever:
    """Asks a server in one of `DIALECTS`, over connections that are kept open.

    A batch is sent in requests of at most `batch_size` queries, `connections` at a time. What may
    pass is tried again: no connection, a time-out, an answer broken off, status 408, 425, 429 and
    5xx. Everything else, and what does not pass, raises `RetrievalError`.
    """

    def __init__(
        self,
        url: str,
        *,
        dialect: str = "search-r1",
        batch_size: int = 256,
        connections: int = 8,
        timeout: float = 30.0,
        connect_timeout: float = 5.0,
        attempts: int = 3,
        backoff: float = 0.5,
        seed: int = 0,
        proxy: str | None = None,
    ) -> None:
        """Nothing is sent yet.

        Args:
            url: where to post to, for Search-R1's servers `http://host:port/retrieve`.
            dialect: see `DIALECTS`.
            batch_size: queries per request, where the dialect allows more than one.
            connections: requests under way at once.
            timeout: seconds for a whole answer.
            connect_timeout: seconds for a connection.
            attempts: how often a request is sent at most.
            backoff: seconds before the second attempt; doubles from one to the next.
            seed: of the jitter that keeps many clients from coming back at the same moment.
            proxy: URL of a proxy; those of the environment are not used.

        Raises:
            ConfigurationError: a URL or a number that cannot be used, or an unknown dialect.
        """
        if dialect not in DIALECTS:
            raise unknown_name("dialect", dialect, DIALECTS)
        if min(batch_size, connections, attempts) < 1 or min(timeout, connect_timeout) <= 0:
            raise ConfigurationError(
                "batch_size, connections and attempts must be at least 1, and time-outs above 0"
            )
        self.url = _checked_url(url)
        self.fingerprint = identity("http", url, dialect)
        """The address stands for what the server finds: a change behind it cannot be seen."""
        self._dialect = DIALECTS[dialect]
        self._batch_size = self._dialect.queries_per_request or batch_size
        self._retrying = Retrying(attempts=attempts, backoff=backoff, seed=seed)
        self._connections = Connections(
            ConnectionOptions(
                content_type=self._dialect.content_type,
                connections=connections,
                timeout=timeout,
                connect_timeout=connect_timeout,
                proxy=proxy,
            )
        )

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """The server's documents for each query; raises `RetrievalError`."""
        size = self._batch_size
        batches = [queries[start : start + size] for start in range(0, len(queries), size)]
        if len(batches) == 1:
            return self._ask(batches[0], top_k)
        answers = self._connections.map(lambda batch: self._try(batch, top_k), batches)
        return all_found(self, [found for answer in answers for found in answer])

    def close(self) -> None:
        """Close the connections."""
        self._connections.close()

    def _try(self, queries: Sequence[str], top_k: int) -> Sequence[Found]:
        """What one request brought: one that fails does not take the others with it."""
        try:
            return self._ask(queries, top_k)
        except RetrievalError as error:
            return [error] * len(queries)

    def _ask(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        body = self._dialect.request(queries, top_k)
        answer = self._retrying(self.url, lambda: self._attempt(body, len(queries)))
        # A server that sends more documents than it was asked for is cut.
        return [documents[:top_k] for documents in answer]

    def _attempt(self, body: bytes, queries: int) -> list[tuple[Document, ...]]:
        content = self._connections.post(self.url, body)
        try:
            return self._dialect.answer(content, queries)
        except UndecodableError as error:
            what = f"answered {excerpt(content)}, which is {error},"
            raise TransientError(what, hint=WRONG_ADDRESS) from error
        except UnexpectedAnswerError as error:
            raise RetrievalError(
                f"{self.url} answered something else than documents: {error}; {WRONG_ADDRESS}"
            ) from error


def http(*, url: str, corpus: Corpus | None = None, **options: Any) -> HttpRetriever:
    """The retriever at `url`. The server has its own corpus; this one is not used."""
    del corpus
    return HttpRetriever(url, **options)


def _checked_url(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise ConfigurationError(
            f"url {url!r}: {error}; write http://host:port/retrieve"
        ) from error
    if parsed.userinfo:
        # Not shown: it would be in configurations, run folders and messages from here on.
        raise ConfigurationError(
            f"the url of {parsed.host} holds a user or password; give a server's token by the "
            f"environment variable {VARIABLE}, which is written nowhere"
        )
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise ConfigurationError(f"url {url!r} has no host; write http://host:port/retrieve")
    return url
