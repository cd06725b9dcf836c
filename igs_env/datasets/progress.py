"""How far a long file operation is, on stderr: one moving line, or plain lines in a log."""

from __future__ import annotations

import sys
import time
from typing import TextIO


class ByteProgress:
    """Callable that is told the bytes done and now and then says so.

    Nothing is printed for work that ends within the first interval.

    >>> ByteProgress("Reading", total=10, stream=sys.stdout, every=0.0)(5)
    Reading: 50 % (0.0 of 0.0 GB, 0 s left)
    """

    def __init__(
        self, label: str, total: int, *, stream: TextIO | None = None, every: float | None = None
    ) -> None:
        """`every`: seconds between messages; None is 0.5 on a terminal and 20 in a log."""
        self._label, self._total = label, max(total, 1)
        self._stream = sys.stderr if stream is None else stream
        self._moving = self._stream.isatty()
        self._every = (0.5 if self._moving else 20.0) if every is None else every
        self._start = self._last = time.monotonic()
        self._told = False

    def __call__(self, done: int) -> None:
        """Bytes done so far."""
        now = time.monotonic()
        if now - self._last < self._every:
            return
        self._last, self._told = now, True
        share = min(done / self._total, 1.0)
        left = (now - self._start) * (1 - share) / share if share else 0.0
        text = (
            f"{self._label}: {share:.0%} ({done / 1e9:.1f} of {self._total / 1e9:.1f} GB, "
            f"{left:.0f} s left)"
        ).replace("%", " %")
        self._stream.write(f"\r{text}\x1b[K" if self._moving else f"{text}\n")
        self._stream.flush()

    def close(self) -> None:
        """End the moving line."""
        if self._told and self._moving:
            self._stream.write("\n")
