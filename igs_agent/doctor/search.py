"""How a configuration searches, and the commands that build and serve what it needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from igs_agent.config import TrainConfig
from igs_env.retrievers import is_url


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """How a configuration searches, on this machine or by the server that it expects here."""

    corpus: str | None
    retriever: str
    encoder: str | None
    index: str | None
    factory: str
    url: str | None
    """None: in this process."""


def search_of(config: TrainConfig) -> Search | None:
    """The parts of searching; None where the retriever is an object of one's own."""
    spec, kwargs = config.env.get("retriever", "bm25"), config.env.get("retriever_kwargs", {})
    server = config.server
    if is_url(spec):
        return Search(
            corpus=server.corpus,
            retriever=server.retriever,
            encoder=server.encoder,
            index=server.index,
            factory=server.factory,
            url=spec,
        )
    if not isinstance(spec, str) or ":" in spec:
        return None
    questions = config.env.get("questions", "atlas")
    return Search(
        corpus=config.env.get("corpus") or (questions if isinstance(questions, str) else None),
        retriever=spec,
        encoder=kwargs.get("encoder"),
        index=kwargs.get("index"),
        factory=kwargs.get("factory") or "Flat",
        url=None,
    )


def index_command(search: Search) -> str:
    """How the index is built."""
    parts = ["igs index", f"--corpus {search.corpus}", f"--encoder {search.encoder or 'minilm'}"]
    parts += [f"--factory {search.factory}"] * (search.factory != "Flat")
    return " ".join([*parts, f"--output {search.index or 'indexes/mine'}"])


def serve_command(search: Search) -> str:
    """How the server is started on this machine."""
    options: Mapping[str, Any] = {
        "--corpus": search.corpus,
        "--retriever": search.retriever,
        "--encoder": search.encoder,
        "--index": search.index,
    }
    given = [f"{flag} {value}" for flag, value in options.items() if value]
    # A bare FAISS file says of nobody whose it is; only its sizes can be checked.
    bare = """--retriever-kwargs '{"check": "size"}'"""
    return " ".join(
        ["igs serve", *given, *([bare] if str(search.index).endswith(".index") else [])]
    )
