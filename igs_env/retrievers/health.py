"""What a server says about itself."""

from __future__ import annotations

from dataclasses import dataclass

import httpx

from igs_env.errors import RetrievalError
from igs_env.retrievers.token import authorization


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """The answer of `/healthz`."""

    documents: int
    waiting: int
    """Queries that wait or are being searched."""
    shard: str
    """As `0/4`; empty for a whole corpus."""
    corpus: str
    """What the parts of one index share: the whole corpus and the retriever; may be empty."""


def read_health(url: str, *, timeout: float = 5.0) -> Health:
    """Of the server whose `/retrieve` is at `url`; raises `RetrievalError`."""
    address = str(httpx.URL(url).copy_with(path="/healthz", query=None))
    try:
        answer = httpx.get(address, timeout=timeout, trust_env=False, headers=authorization())
        answer.raise_for_status()
        said = answer.json()
    except (httpx.HTTPError, ValueError) as error:
        raise RetrievalError(f"{address} does not say how the server is ({error})") from error
    if not isinstance(said, dict) or not isinstance(said.get("documents"), int):
        raise RetrievalError(f"{address} answered something else than a server's health")
    return Health(
        documents=said["documents"],
        waiting=int(said.get("waiting") or 0),
        shard=str(said.get("shard") or ""),
        corpus=str(said.get("corpus") or ""),
    )
