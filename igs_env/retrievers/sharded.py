"""`sharded`: one index over several servers, merged exactly."""

from __future__ import annotations

import heapq
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from igs_env.datasets.corpus import Corpus
from igs_env.errors import ConfigurationError, RetrievalError
from igs_env.retrievers.contract import Found, all_found, search_each
from igs_env.retrievers.health import Health, read_health
from igs_env.retrievers.http import HttpRetriever
from igs_env.retrievers.identity import identity
from igs_env.types import Document

REST = 5.0
"""Seconds for which a server that failed is not asked while its shard has another."""


class ShardedRetriever:
    """The `top_k` best of what every shard finds.

    Each shard is asked for `top_k` documents: the best of all are among them. Equal scores are
    put in the order of the shards, which for runs of a corpus is the order of its documents. A
    search that one shard cannot carry out has failed: what the others found would be another
    ranking.

    Scores must not depend on what else is in a shard. Inner products do not; BM25's do.
    """

    def __init__(self, shards: Sequence[Sequence[HttpRetriever]]) -> None:
        """Each shard is one server or several that serve the same, tried in order."""
        if not shards or not all(shards):
            raise ConfigurationError("sharded needs the address of a server for every shard")
        self._shards = [_Shard(replicas) for replicas in shards]
        self._pool = ThreadPoolExecutor(len(shards), thread_name_prefix="igs-shard")
        self.fingerprint = identity("sharded", [[r.fingerprint for r in s] for s in shards])

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """Up to `top_k` documents per query by score; raises what a shard fails with."""
        if not queries:
            return []
        found = list(self._pool.map(lambda shard: shard.search(queries, top_k), self._shards))
        return all_found(self, [merged(of_query, top_k) for of_query in zip(*found, strict=True)])

    def close(self) -> None:
        """Close the connections."""
        self._pool.shutdown()
        for shard in self._shards:
            shard.close()


class _Shard:
    """Servers that serve the same documents; one that failed rests while another answers."""

    def __init__(self, replicas: Sequence[HttpRetriever]) -> None:
        self._replicas = list(replicas)
        self._resting = [0.0] * len(self._replicas)

    def search(self, queries: Sequence[str], top_k: int) -> Sequence[Found]:
        # Those that rest last: they are better than nothing.
        now = time.monotonic()
        order = sorted(range(len(self._replicas)), key=lambda n: self._resting[n] > now)
        found: list[Found] = []
        for number in order:
            found = search_each(self._replicas[number], queries, top_k)
            if not any(isinstance(each, RetrievalError) for each in found):
                return found
            self._resting[number] = time.monotonic() + REST
        return found

    def close(self) -> None:
        for replica in self._replicas:
            replica.close()


def merged(found: Sequence[Found], top_k: int) -> Found:
    """The best documents of several shards, or the first failure.

    >>> a, b, c = (Document(id=id, title="", text="", score=s) for id, s in zip("abc", (2, 1, 1)))
    >>> [document.id for document in merged([(b,), (a, c)], top_k=2)]
    ['a', 'b']
    """
    for each in found:
        if isinstance(each, RetrievalError):
            return each
    ranked = [[] if isinstance(each, RetrievalError) else list(each) for each in found]
    best = heapq.merge(*ranked, key=lambda document: -document.score)
    return tuple(document for document, _ in zip(best, range(top_k), strict=False))


def sharded(
    corpus: Corpus | None = None,
    *,
    urls: Sequence[str | Sequence[str]],
    check: bool = True,
    options: Mapping[str, Any] | None = None,
) -> ShardedRetriever:
    """The index that several `igs serve --shard` processes hold.

    Args:
        corpus: not used; the servers have it.
        urls: one per shard, in order; a list for a shard that several servers serve.
        check: ask every server which shard it serves, and refuse gaps, doubles and strangers.
        options: arguments of each server's `HttpRetriever`.

    Raises `ConfigurationError` where the servers are not the shards of one index.
    """
    del corpus
    shards = [
        [HttpRetriever(url, **(options or {})) for url in ([of] if isinstance(of, str) else of)]
        for of in urls
    ]
    if check:
        _check(shards)
    return ShardedRetriever(shards)


def _check(shards: Sequence[Sequence[HttpRetriever]]) -> None:
    corpora: dict[str, str] = {}
    for number, replicas in enumerate(shards):
        wanted = f"{number}/{len(shards)}"
        for replica in replicas:
            health = _health(replica)
            if health.shard != wanted:
                raise ConfigurationError(
                    f"{replica.url} serves {health.shard or 'a whole corpus'}, where shard "
                    f"{wanted} was expected; give the addresses in the order of --shard"
                )
            corpora.setdefault(health.corpus, replica.url)
    if len(corpora) > 1:
        one, other = list(corpora.values())[:2]
        raise ConfigurationError(
            f"{one} and {other} serve parts of different corpora or with different retrievers"
        )


def _health(replica: HttpRetriever) -> Health:
    try:
        return read_health(replica.url)
    except RetrievalError as error:
        raise ConfigurationError(
            f"{error}; start all shards first, or pass check=false for servers without /healthz"
        ) from error
