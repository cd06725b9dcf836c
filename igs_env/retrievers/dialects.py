"""How retrieval servers are asked and how they answer: one `Dialect` for each way.

| name | request | answer |
|---|---|---|
| `search-r1` | `{"queries": [str], "topk": int, "return_scores": true}` | `{"result": [[item]]}` |
| `skyrl` | `{"query": str, "topk": int, "return_scores": true}` | `{"result": [[item]]}` |
| `gem` | as `skyrl`, in msgpack | `{"result": [item]}`, in msgpack |

An item is `{"document": {"id", "contents"}, "score": float}`, or the bare document, which is what
Search-R1's server sends for `return_scores=false`. verl-agent speaks `skyrl`, agent-lightning
`search-r1`.
"""

from __future__ import annotations

import hashlib
import importlib
import json
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from igs_env.datasets.contents import document_from_row
from igs_env.errors import MissingPackageError
from igs_env.strict_json import parse_json
from igs_env.types import Document


class UndecodableError(ValueError):
    """An answer's bytes are not what its encoding allows: cut off, or another encoding."""


class UnexpectedAnswerError(ValueError):
    """An answer was decoded, but is not what its dialect says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dialect:
    """One way of asking a server."""

    content_type: str
    queries_per_request: int | None
    """None: as many as wanted."""
    body: Callable[[Sequence[str], int], Any]
    """What is asked, for queries and a number of documents."""
    dumps: Callable[[Any], bytes]
    loads: Callable[[bytes], Any]
    """Raises `UndecodableError`."""

    def request(self, queries: Sequence[str], top_k: int) -> bytes:
        """Body of a request."""
        return self.dumps(self.body(queries, top_k))

    def answer(self, content: bytes, queries: int) -> list[tuple[Document, ...]]:
        """Documents for each query of a request.

        Raises:
            UndecodableError: see there; worth asking again.
            UnexpectedAnswerError: the answer says something else than documents.
        """
        payload = self.loads(content)
        result = payload.get("result") if isinstance(payload, Mapping) else None
        if not isinstance(result, Sequence) or isinstance(result, str | bytes):
            raise UnexpectedAnswerError(f'no list under "result": {_shorten(payload)}')
        is_flat = bool(result) and not any(isinstance(found, Sequence) for found in result)
        if self.queries_per_request == 1 and (is_flat or not result):
            result = [result]
        if len(result) != queries:
            raise UnexpectedAnswerError(f"{len(result)} results for {queries} queries")
        return [_documents(found) for found in result]


def _documents(found: Any) -> tuple[Document, ...]:
    if not isinstance(found, Sequence) or isinstance(found, str | bytes):
        raise UnexpectedAnswerError(f"a result is not a list of documents: {_shorten(found)}")
    return tuple(_document(item) for item in found)


def _document(item: Any) -> Document:
    if not isinstance(item, Mapping):
        raise UnexpectedAnswerError(f"a document is not an object: {_shorten(item)}")
    row = item.get("document", item)
    if not isinstance(row, Mapping):
        raise UnexpectedAnswerError(f"a document is not an object: {_shorten(item)}")
    if "id" not in row:
        # Servers in front of a web search have no ids; the same text is then the same document.
        try:
            text = json.dumps(dict(row), sort_keys=True, default=str)
        except TypeError as error:  # keys that are no text, which msgpack allows
            raise UnexpectedAnswerError(f"a document cannot be read: {error}") from error
        row = {**row, "id": f"text:{hashlib.sha256(text.encode()).hexdigest()[:16]}"}
    score = item.get("score", 0.0) if "document" in item else 0.0
    if isinstance(score, bool) or not isinstance(score, int | float) or not _is_finite(score):
        raise UnexpectedAnswerError(f"a score is not a finite number: {_shorten(item)}")
    try:
        return replace(document_from_row(row), score=float(score))
    except ValueError as error:
        raise UnexpectedAnswerError(f"a document cannot be read: {error}") from error


def _is_finite(number: int | float) -> bool:
    try:
        return math.isfinite(number)
    except OverflowError:  # an integer beyond every float
        return False


def _shorten(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 120 else f"{text[:119]}…"


def _many(queries: Sequence[str], top_k: int) -> dict[str, Any]:
    return {"queries": list(queries), "topk": top_k, "return_scores": True}


def _one(queries: Sequence[str], top_k: int) -> dict[str, Any]:
    (query,) = queries
    return {"query": query, "topk": top_k, "return_scores": True}


def _dumps_json(value: Any) -> bytes:
    return json.dumps(value).encode()


def _loads_json(content: bytes) -> Any:
    try:
        return parse_json(content)
    except ValueError as error:
        raise UndecodableError(f"no JSON ({error})") from error


def _msgpack() -> Any:
    try:
        return importlib.import_module("msgpack")
    except ImportError as error:
        raise MissingPackageError(
            "dialect 'gem' needs msgpack, which is not installed: pip install msgpack"
        ) from error


def _dumps_msgpack(value: Any) -> bytes:
    packed: bytes = _msgpack().packb(value)
    return packed


def _loads_msgpack(content: bytes) -> Any:
    try:
        return _msgpack().unpackb(content)
    except ValueError as error:
        raise UndecodableError(f"no msgpack ({str(error) or type(error).__name__})") from error


DIALECTS: dict[str, Dialect] = {
    "search-r1": Dialect(
        content_type="application/json",
        queries_per_request=None,
        body=_many,
        dumps=_dumps_json,
        loads=_loads_json,
    ),
    "skyrl": Dialect(
        content_type="application/json",
        queries_per_request=1,
        body=_one,
        dumps=_dumps_json,
        loads=_loads_json,
    ),
    "gem": Dialect(
        content_type="application/msgpack",
        queries_per_request=1,
        body=_one,
        dumps=_dumps_msgpack,
        loads=_loads_msgpack,
    ),
}
"""Name → dialect."""
