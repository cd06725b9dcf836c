"""Ctrl-C while training."""

from __future__ import annotations

import signal
import threading

from igs_agent.run import Report


class StopRequest:
    """Ctrl-C while training: the update in hand is finished first, so that nothing is lost.

    A second Ctrl-C stops at once; the newest checkpoint is then what a resume goes on from.
    """

    def __init__(self, report: Report) -> None:
        """Listen, where this is the main thread."""
        self.wanted = False
        self._report = report
        if threading.current_thread() is threading.main_thread():
            signal.signal(signal.SIGINT, self._take)

    def _take(self, *_: object) -> None:
        self.wanted = True
        self._report("finishing this update before stopping; press Ctrl-C again to stop at once")
        signal.signal(signal.SIGINT, signal.default_int_handler)
