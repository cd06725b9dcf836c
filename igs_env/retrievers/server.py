"""`igs serve`: any retriever behind Search-R1's HTTP dialect."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

from igs_env.datasets.contents import format_contents
from igs_env.errors import ConfigurationError, RetrievalError, missing_package
from igs_env.retrievers.batcher import Batcher, OverloadedError
from igs_env.retrievers.contract import Retriever
from igs_env.retrievers.search_request import (
    RefusedError,
    SearchRequest,
    ServerLimits,
    read_request,
)
from igs_env.retrievers.token import is_authorized
from igs_env.types import Document

try:
    import uvicorn
    from fastapi import FastAPI, Request
    from fastapi.responses import JSONResponse
except ImportError as error:
    raise missing_package("fastapi and uvicorn", extra="server", purpose="igs serve") from error


def create_app(
    retriever: Retriever,
    *,
    documents: int,
    default_top_k: int = 3,
    limits: ServerLimits | None = None,
    shard: str = "",
    corpus: str = "",
) -> FastAPI:
    """An app with `POST /retrieve` and `GET /healthz`.

    `/retrieve` takes `{"queries": [str], "topk": int, "return_scores": bool}` and answers
    `{"result": [[item]]}` with one list per query; an item is
    `{"document": {"id", "contents"}, "score"}` with scores and `{"id", "contents"}` without.
    Whatever cannot be done is answered with a status and `{"error": sentence}`: 401 without the
    token of `IGS_TOKEN`, where that is set, 429 for too many requests, 503 for too many queries.

    Args:
        retriever: what is searched.
        documents: size of its corpus, for `/healthz`.
        default_top_k: documents per query where a request does not say.
        limits: what is accepted.
        shard: which part of the corpus it is, as `0/4`, for `/healthz`.
        corpus: what the parts of one index share, for `/healthz`.
    """
    accepted = limits or ServerLimits()
    batcher = Batcher(retriever, most_waiting=accepted.waiting)
    under_way = _Count(accepted.requests)
    app = FastAPI(title="igs serve", openapi_url=None)

    @app.get("/healthz")
    async def healthz() -> dict[str, Any]:
        known = {"documents": documents, "waiting": batcher.waiting}
        parts = {"shard": shard, "corpus": corpus} if shard else {}
        return {"status": "ok", **known, **parts}

    @app.post("/retrieve")
    async def retrieve(request: Request) -> JSONResponse:
        try:
            if not is_authorized(request.headers.get("authorization")):
                raise RefusedError(401, "the token is missing or wrong")
            with under_way:
                body = await _body(request, accepted)
                wanted = read_request(body, default_top_k=default_top_k, limits=accepted)
                found = await batcher.search(wanted.queries, wanted.top_k)
        except RefusedError as error:
            later = {"Retry-After": "1"} if error.status == 429 else None
            return _error(error.status, str(error), later)
        except OverloadedError as error:
            return _error(503, f"{error}; try again", {"Retry-After": "1"})
        except RetrievalError as error:
            return _error(502, str(error))
        return JSONResponse({"result": _result(wanted, found)})

    return app


def serve(app: FastAPI, *, host: str, port: int) -> None:
    """Serve `app` until interrupted; `ConfigurationError` where host or port cannot be used."""
    with listening(host, port) as listener:
        at = f"[{host}]" if ":" in host else host
        sys.stderr.write(f"serving at http://{at}:{listener.getsockname()[1]}/retrieve\n")
        sys.stderr.flush()
        config = uvicorn.Config(app, log_level="warning", access_log=False)
        uvicorn.Server(config).run(sockets=[listener])


@contextmanager
def serving(app: FastAPI, *, port: int = 0) -> Iterator[str]:
    """The URL of `app`'s `/retrieve`, served from a thread on 127.0.0.1 until the block ends.

    Port 0 is any free one. Raises `ConfigurationError` where the port is taken.
    """
    with listening("127.0.0.1", port) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
        thread = Thread(
            target=server.run, kwargs={"sockets": [listener]}, name="igs-serve", daemon=True
        )
        thread.start()
        try:
            # Connections that come before the server is up wait in the listener's queue.
            yield f"http://127.0.0.1:{listener.getsockname()[1]}/retrieve"
        finally:
            server.should_exit = True
            thread.join()


BACKLOG = 2048
"""Connections that may wait to be accepted, uvicorn's own default."""


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens, for uvicorn to serve on; `ConfigurationError` where it cannot.

    Connections send what is written at once. asyncio sees to that only on sockets that name their
    protocol, which `create_server`'s do not; without it an answer's second segment waits for the
    client's delayed acknowledgement of the first, 40 ms on Linux.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=BACKLOG)
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # connections inherit it
        return listener
    except OSError as error:
        raise ConfigurationError(
            f"cannot listen at {host} port {port}: {error.strerror}; give another port, or 0 for "
            "any free one"
        ) from error


class _Count:
    """Requests under way; entering it when there are too many raises `RefusedError`."""

    def __init__(self, most: int) -> None:
        self._most, self._now = most, 0

    def __enter__(self) -> None:
        if self._now >= self._most:
            raise RefusedError(429, f"{self._now} requests are under way already; try again")
        self._now += 1

    def __exit__(self, *_: object) -> None:
        self._now -= 1


async def _body(request: Request, limits: ServerLimits) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(limits.body_seconds):
            async for part in request.stream():
                body += part
                if len(body) > limits.body_bytes:
                    raise RefusedError(413, f"the body is larger than {limits.body_bytes:,} bytes")
    except TimeoutError as error:
        raise RefusedError(408, f"no whole body within {limits.body_seconds:g} s") from error
    return bytes(body)


def _result(wanted: SearchRequest, found: list[tuple[Document, ...]]) -> list[list[Any]]:
    item = _scored if wanted.return_scores else _bare
    return [[item(document) for document in documents] for documents in found]


def _bare(document: Document) -> dict[str, str]:
    # A corpus may hold half a surrogate pair; an answer's UTF-8 cannot.
    texts = {"id": document.id, "contents": format_contents(document)}
    return {name: text.encode("utf-8", "replace").decode("utf-8") for name, text in texts.items()}


def _scored(document: Document) -> dict[str, Any]:
    return {"document": _bare(document), "score": document.score}


def _error(status: int, message: str, headers: dict[str, str] | None = None) -> JSONResponse:
    return JSONResponse({"error": message}, status_code=status, headers=headers)
