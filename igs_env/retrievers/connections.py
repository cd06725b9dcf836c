"""Kept-open connections to one server, and one exchange over them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import httpx

from igs_env.errors import RetrievalError
from igs_env.retrievers.retrying import TransientError
from igs_env.retrievers.token import VARIABLE, authorization

Item = TypeVar("Item")
Result = TypeVar("Result")

LARGEST_ANSWER = 256 << 20
"""Bytes of an answer that are read before it is refused."""

SERVING = 'is "igs serve" running?'
LOG = "see the server's log"
SLOW = "raise timeout=, lower batch_size=, or see what holds the server up"
BUSY = "lower connections= or batch_size=, or raise attempts="
MAY_PASS = {408: SLOW, 425: SERVING, 429: BUSY, 500: LOG, 504: SLOW}
"""Status → advice, for what is tried again; other 5xx ask whether the server runs."""
TO_MEND = {
    401: f"set {VARIABLE} to the server's token",
    404: "check the path; Search-R1's servers listen at /retrieve",
    405: "check the path; Search-R1's servers listen at /retrieve",
    413: "lower batch_size=",
    422: "does the server speak this dialect=?",
}
"""Status → advice, for what trying again does not mend."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ConnectionOptions:
    """How a server is reached."""

    content_type: str
    connections: int
    """Requests under way at once."""
    timeout: float
    """Seconds for a whole answer."""
    connect_timeout: float
    """Seconds for a connection."""
    proxy: str | None
    """URL of a proxy. The environment's proxies are not used: they rarely know inner servers."""


class Connections:
    """Connections that are opened when needed and never shared with a forked process."""

    def __init__(self, options: ConnectionOptions) -> None:
        """Nothing is opened yet."""
        self._options = options
        self._opened: tuple[int, httpx.Client, ThreadPoolExecutor] | None = None

    def __getstate__(self) -> ConnectionOptions:
        """What another process needs to open its own."""
        return self._options

    def __setstate__(self, options: ConnectionOptions) -> None:
        """The reverse of `__getstate__`."""
        self._options, self._opened = options, None

    def map(self, action: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
        """Results of `action`, as many at once as there may be connections."""
        _, pool = self._open()
        return list(pool.map(action, items))

    def post(self, url: str, body: bytes) -> bytes:
        """The body of a 2xx answer.

        Raises:
            TransientError: a failure that may pass.
            RetrievalError: any other answer.
        """
        client, _ = self._open()
        try:
            with client.stream("POST", url, content=body) as response:
                content = self._read(url, response)
        except httpx.HTTPError as error:
            raise self._transient(error) from error
        _check_status(url, response, content)
        return content

    def _read(self, url: str, response: httpx.Response) -> bytes:
        # A server that trickles bytes resets httpx's own time-out with each of them.
        deadline = time.monotonic() + self._options.timeout
        content = bytearray()
        for part in response.iter_bytes():
            content += part
            if time.monotonic() > deadline:
                raise self._late()
            if len(content) > LARGEST_ANSWER:
                raise RetrievalError(
                    f"{url} answered with more than {LARGEST_ANSWER:,} bytes; "
                    "lower batch_size= or top_k"
                )
        return bytes(content)

    def _late(self) -> TransientError:
        return TransientError(f"did not answer within {self._options.timeout:g} s", hint=SLOW)

    def _transient(self, error: httpx.HTTPError) -> TransientError:
        if isinstance(error, httpx.ConnectTimeout):
            what = f"gave no connection within {self._options.connect_timeout:g} s"
            return TransientError(what, hint="check host and port")
        if isinstance(error, httpx.TimeoutException):
            return self._late()
        if isinstance(error, httpx.ConnectError):
            return TransientError(f"could not be reached ({error})", hint=SERVING)
        return TransientError(f"broke off its answer ({error})", hint=LOG)

    def close(self) -> None:
        """Close what this process opened; a later request opens it again."""
        if self._opened is not None and self._opened[0] == os.getpid():
            _, client, pool = self._opened
            pool.shutdown()
            client.close()
        self._opened = None

    def _open(self) -> tuple[httpx.Client, ThreadPoolExecutor]:
        # A forked worker has its parent's sockets: two processes that read from one would each
        # get pieces of the other's answers.
        if self._opened is None or self._opened[0] != os.getpid():
            options = self._options
            client = httpx.Client(
                timeout=httpx.Timeout(options.timeout, connect=options.connect_timeout),
                limits=httpx.Limits(max_connections=options.connections, keepalive_expiry=60.0),
                headers={"Content-Type": options.content_type, **authorization()},
                proxy=options.proxy,
                trust_env=False,
            )
            pool = ThreadPoolExecutor(options.connections, thread_name_prefix="igs-http")
            self._opened = (os.getpid(), client, pool)
        return self._opened[1:]


def excerpt(content: bytes) -> str:
    """Start of an answer, for a message.

    >>> excerpt(b"<html>")
    "'<html>'"
    """
    text = content[:80].decode("utf-8", "replace")
    return repr(text) if len(content) <= 80 else f"{text!r}… ({len(content):,} bytes)"


def _check_status(url: str, response: httpx.Response, content: bytes) -> None:
    status = response.status_code
    if 200 <= status < 300:
        return
    said = f"answered {status}" + (f" {excerpt(content)}" if content else "")
    if status in MAY_PASS or status >= 500:
        retry_after = response.headers.get("retry-after", "")
        raise TransientError(
            said,
            hint=MAY_PASS.get(status, SERVING),
            retry_after=float(retry_after) if retry_after.isdigit() else 0.0,
        )
    if 300 <= status < 400:
        raise RetrievalError(
            f"{url} {said}; give the address it names: {response.headers.get('location')}"
        )
    raise RetrievalError(f"{url} {said}; {TO_MEND.get(status, 'see what it says')}")
