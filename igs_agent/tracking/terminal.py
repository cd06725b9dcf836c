"""The tracker for whoever watches."""

from __future__ import annotations

import os
import sys
from typing import TextIO

from igs_agent.tracking.contract import Tracker
from igs_agent.tracking.lines import LinesTracker


def terminal_tracker(updates: int, *, done: int = 0, stream: TextIO | None = None) -> Tracker:
    """Redrawn in place where the stream is a terminal that can do so, else plain lines."""
    stream = sys.stdout if stream is None else stream
    if stream.isatty() and os.environ.get("TERM") not in ("dumb", "unknown"):
        from rich.console import Console

        from igs_agent.tracking.live import LiveTracker

        return LiveTracker(updates, done=done, console=Console(file=stream))

    def write(line: str) -> None:
        stream.write(f"{line}\n")
        stream.flush()

    return LinesTracker(updates, done=done, write=write)
