"""What a client of `igs serve` asks for, read from the body of its request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from igs_env.strict_json import parse_json


class RefusedError(Exception):
    """A request that is answered with a 4xx status and a sentence."""

    def __init__(self, status: int, message: str) -> None:
        """`status`: of the answer."""
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLimits:
    """What the server accepts."""

    queries: int = 1024
    """In one request."""
    query_characters: int = 8192
    """In one query."""
    top_k: int = 100
    """Documents for one query."""
    body_bytes: int = 4 << 20
    """Of a request."""
    waiting: int = 4096
    """Queries that wait for their search or are being searched; beyond it, 503."""
    requests: int = 1024
    """Under way at once; beyond it, 429, before anything of the request's body is read."""
    body_seconds: float = 30.0
    """In which a request's body must have come; then 408."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SearchRequest:
    """Search-R1's request: `{"queries": [str], "topk": int, "return_scores": bool}`."""

    queries: tuple[str, ...]
    top_k: int
    return_scores: bool


def read_request(body: bytes, *, default_top_k: int, limits: ServerLimits) -> SearchRequest:
    """The request in `body`. `topk` is optional, and null or 0 mean the default, as in Search-R1.

    Raises:
        RefusedError: 400 for a body that is no JSON object, 413 for too much, 422 for a field.

    >>> read_request(b'{"queries": ["a"]}', default_top_k=3, limits=ServerLimits()).top_k
    3
    """
    try:
        payload = parse_json(body)
    except ValueError as error:
        raise RefusedError(400, f"the body is no JSON: {error}") from error
    if not isinstance(payload, dict):
        raise RefusedError(400, f"the body is {type(payload).__name__}; send a JSON object")
    return SearchRequest(
        queries=_queries(payload, limits),
        top_k=_top_k(payload, limits) or default_top_k,
        return_scores=_return_scores(payload),
    )


def _queries(payload: Mapping[str, Any], limits: ServerLimits) -> tuple[str, ...]:
    if "queries" not in payload:
        raise RefusedError(422, f"no field 'queries'; got {', '.join(payload) or 'no fields'}")
    queries = payload["queries"]
    if not isinstance(queries, list) or not all(isinstance(query, str) for query in queries):
        raise RefusedError(422, "'queries' must be a list of strings")
    if len(queries) > limits.queries:
        raise RefusedError(
            413, f"{len(queries):,} queries; send at most {limits.queries:,} in one request"
        )
    longest = max(map(len, queries), default=0)
    if longest > limits.query_characters:
        raise RefusedError(
            413, f"a query of {longest:,} characters; at most {limits.query_characters:,}"
        )
    # Half a surrogate pair, which JSON can say, is no text that anything could search for.
    return tuple(query.encode("utf-8", "replace").decode("utf-8") for query in queries)


def _top_k(payload: Mapping[str, Any], limits: ServerLimits) -> int:
    top_k = payload.get("topk") or 0
    if isinstance(top_k, bool) or not isinstance(top_k, int) or not 0 <= top_k <= limits.top_k:
        raise RefusedError(
            422, f"'topk' must be a whole number from 1 to {limits.top_k}, got {top_k!r}"
        )
    return top_k


def _return_scores(payload: Mapping[str, Any]) -> bool:
    wanted = payload.get("return_scores", False)
    if not isinstance(wanted, bool):
        raise RefusedError(422, f"'return_scores' must be true or false, got {wanted!r}")
    return wanted
