"""Ctrl-C while training."""

from __future__ import annotations

import signal
import threading
from types import FrameType
from typing import Any, Self

from igs_agent.run import Report


class StopRequest:
    """Ctrl-C while training: the update in hand is finished first, so that nothing is lost.

    A second Ctrl-C stops at once; the newest checkpoint is then what a resume goes on from. Behind
    the `with` block Ctrl-C means what it meant before.
    """

    def __init__(self, report: Report) -> None:
        """Report with this that the request was heard."""
        self.wanted = False
        self._report = report
        self._before: Any = None

    def __enter__(self) -> Self:
        """Listen, where this is the main thread: others get no signals."""
        if threading.current_thread() is threading.main_thread():
            self._before = signal.signal(signal.SIGINT, self._take)
        return self

    def __exit__(self, *_: object) -> None:
        """Listen no more."""
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _take(self, number: int, frame: FrameType | None) -> None:
        self.wanted = True
        self._report("finishing this update before stopping; press Ctrl-C again to stop at once")
        signal.signal(signal.SIGINT, signal.default_int_handler)
