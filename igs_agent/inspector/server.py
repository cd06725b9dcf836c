"""The inspector on this machine's own address, for large runs and for runs that go on."""

from __future__ import annotations

import json
from collections.abc import Callable
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from igs_agent.inspector.inspector import Inspector
from igs_agent.inspector.page import embedded, page
from igs_env.errors import ConfigurationError, DataError

HOST = "127.0.0.1"
PAGE_EPISODES = 5_000
"""Most episodes of one answer of `/index`."""


class InspectorServer(ThreadingHTTPServer):
    """Serves one run to this machine only."""

    daemon_threads = True

    def __init__(self, inspector: Inspector, *, port: int, follow: bool) -> None:
        """Listen at `port`; 0 takes a free one, see `address`.

        Raises:
            ConfigurationError: the port is taken or no port.
        """
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            raise ConfigurationError(
                f"port {port} cannot be used ({error}); choose another with --port, or --port 0"
            ) from error
        self._inspector, self._follow, self._lock = inspector, follow, Lock()

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://{HOST}:{self.server_port}/"

    def page(self) -> str:
        """The page, which asks for the rest."""
        run = {**self._inspector.run(), "served": True, "follow": self._follow}
        return "".join(page([embedded("run", run)], served=True))

    def index(self, since: int, generation: int) -> dict[str, Any]:
        """The list from `since` on, read on by one step; everything where it has changed.

        While `more` is true there is more to ask for.
        """
        with self._lock:
            episodes = self._inspector.episodes
            more = episodes.advance()
            if generation != episodes.generation:
                since = 0
            found = self._inspector.index(since, PAGE_EPISODES)
            told = found["start"] + len(found["columns"]["id"])
            return {
                **found,
                "generation": episodes.generation,
                "total": len(episodes),
                "more": more or told < len(episodes),
                "problems": self._inspector.problems(),
            }

    def block(self, number: int) -> dict[str, Any]:
        """Whole episodes, see `Inspector.block`."""
        with self._lock:
            return self._inspector.block(number)


class _Handler(BaseHTTPRequestHandler):
    server: InspectorServer

    def do_GET(self) -> None:
        """Answer a request."""
        if not self._is_ours():
            self._answer(HTTPStatus.FORBIDDEN, "text/plain", b"ask at 127.0.0.1")
            return
        url = urlsplit(self.path)
        query = {name: values[-1] for name, values in parse_qs(url.query).items()}
        answers: dict[str, Callable[[], dict[str, Any]]] = {
            "/index": lambda: self.server.index(
                _number(query, "since"), _number(query, "generation")
            ),
            "/block": lambda: self.server.block(_number(query, "number")),
        }
        if url.path == "/":
            self._answer(HTTPStatus.OK, "text/html; charset=utf-8", self.server.page().encode())
        elif url.path in answers:
            self._json(answers[url.path])
        else:
            self._answer(HTTPStatus.NOT_FOUND, "text/plain", b"not here")

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing: a page that follows a run asks every other second."""

    def _is_ours(self) -> bool:
        """Whether the request names this machine: another site's name may lead here as well."""
        name = (self.headers.get("Host") or "").rpartition(":")[0]
        return name in (HOST, "localhost")

    def _json(self, answer: Callable[[], dict[str, Any]]) -> None:
        try:
            found, status = answer(), HTTPStatus.OK
        except DataError as error:
            found, status = {"error": str(error)}, HTTPStatus.CONFLICT
        body = json.dumps(found, separators=(",", ":")).encode()
        self._answer(status, "application/json", body)

    def _answer(self, status: HTTPStatus, kind: str, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(body)


def _number(query: dict[str, str], name: str) -> int:
    text = query.get(name, "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 16 else 0
