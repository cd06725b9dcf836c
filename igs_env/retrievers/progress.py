"""How far a long indexing run is, on stderr: one moving line, or plain lines in a log."""

from __future__ import annotations

import sys
import time
from typing import TextIO


class DocumentProgress:
    """Callable that is told how many documents are done and now and then says so.

    Nothing is printed for work that ends within the first interval.

    >>> progress = DocumentProgress("Encoding", total=2000, stream=sys.stdout, every=0.0)
    >>> progress(0)
    >>> progress(500)  # doctest: +ELLIPSIS
    Encoding: 500 of 2,000 documents, ... a second, ... s left
    """

    def __init__(
        self, label: str, total: int, *, stream: TextIO | None = None, every: float | None = None
    ) -> None:
        """`every`: seconds between messages; None is 0.5 on a terminal and 20 in a log."""
        self._label, self._total = label, total
        self._stream = sys.stderr if stream is None else stream
        self._moving = self._stream.isatty()
        self._every = (0.5 if self._moving else 20.0) if every is None else every
        self._start = self._last = time.monotonic()
        self._first: int | None = None
        self._told = False

    def __call__(self, done: int) -> None:
        """Documents done so far; those of an earlier run do not count for the speed."""
        now = time.monotonic()
        if self._first is None:
            self._first = done
        if done == self._first or now - self._last < self._every:
            return
        self._last, self._told = now, True
        rate = (done - self._first) / max(now - self._start, 1e-6)
        text = (
            f"{self._label}: {done:,} of {self._total:,} documents, {rate:,.0f} a second, "
            f"{(self._total - done) / rate:,.0f} s left"
        )
        self._stream.write(f"\r{text}\x1b[K" if self._moving else f"{text}\n")
        self._stream.flush()

    def close(self) -> None:
        """End the moving line."""
        if self._told and self._moving:
            self._stream.write("\n")
