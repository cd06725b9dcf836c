"""The retrieval server: whether it is reached, and whether it answers as its dialect says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

from igs_agent.config import TrainConfig
from igs_agent.doctor.finding import Finding, missing, note, ok
from igs_env.errors import IGSearchError, RetrievalError
from igs_env.retrievers import Retriever, make_retriever

QUERIES = ("capital of France", "who directed the film Alien")
QUICK: dict[str, Any] = {"attempts": 1, "connect_timeout": 2.0, "timeout": 20.0}
"""A doctor asks once; a training run tries again."""


def check_server(config: TrainConfig, start: str) -> Iterator[Finding]:
    """One batch of two queries, and one of them again alone; `start` starts the server."""
    url, top_k = str(config.env["retriever"]), int(config.env.get("top_k", 3))
    options = {**config.env.get("retriever_kwargs", {}), **QUICK}
    try:
        retriever = make_retriever(url, None, **options)
    except IGSearchError as error:
        yield missing("retriever", str(error), "mend env.retriever or env.retriever_kwargs")
        return
    began = time.perf_counter()
    try:
        problem = _problem(retriever, top_k)
    except RetrievalError as error:
        # It was asked once, which need not be said.
        found = str(error).partition(";")[0].removesuffix(" once")
        yield missing("retriever", found, _advice(error, start))
        return
    seconds = time.perf_counter() - began
    if problem:
        yield missing("retriever", f"{url} {problem}", "another server, or env.retriever_kwargs")
        return
    yield ok("retriever", f"{url} answers, {seconds / 2:.2f} s for a request")
    if seconds / 2 > 1:
        yield note("retriever", "slow for a rollout", "serve it with an approximate index")


def _advice(error: RetrievalError, start: str) -> str:
    """How to start a server where none is; what the error advises where one is."""
    is_down = "could not be reached" in str(error) or "no connection" in str(error)
    return start if is_down else str(error).partition("; ")[2]


def _problem(retriever: Retriever, top_k: int) -> str:
    """What is wrong with the answers; empty for nothing."""
    batch = retriever.search(list(QUERIES), top_k)
    if not any(batch):
        return f"finds nothing for {QUERIES[0]!r} or {QUERIES[1]!r}"
    for documents in batch:
        if len({document.id for document in documents}) < len(documents):
            return "gives a document twice for one query"
        if not all(document.text.strip() for document in documents):
            return "gives documents without text"
    (alone,) = retriever.search([QUERIES[0]], top_k)
    if [document.id for document in alone] != [document.id for document in batch[0]]:
        return "finds other documents for a query alone than in a batch"
    return ""
