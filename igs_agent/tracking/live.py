"""A run on a terminal, redrawn as it goes on."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from igs_agent.tracking.lines import SHOWN, evaluation_line
from igs_agent.tracking.pace import Pace, clock

Numbers = Mapping[str, float]

_COLUMNS = 4


class LiveTracker:
    """Numbers of the newest update, the last evaluation, time per phase, what is left."""

    def __init__(self, updates: int, *, done: int = 0, console: Console | None = None) -> None:
        """Draw on `console`, by default the terminal; `done` updates were done before."""
        self._pace = Pace(updates, done=done)
        self._metrics: dict[str, float] = {}
        self._previous: dict[str, float] = {}
        self._evaluation = "not evaluated yet"
        self._live = Live(console=console, get_renderable=self._drawing, auto_refresh=False)
        self._live.start()

    def metrics(self, update: int, values: Numbers) -> None:
        """See `Tracker.metrics`."""
        if any(name.startswith("eval/") for name in values):
            self._evaluation = evaluation_line(update, values)
        else:
            self._previous, self._metrics = self._metrics, dict(values)
        self._live.refresh()

    def episodes(self, update: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """See `Tracker.episodes`; they are not for a terminal."""

    def timings(self, update: int, seconds: Numbers) -> None:
        """See `Tracker.timings`."""
        self._pace.step(update, seconds, self._metrics.get("rollout/tokens", 0.0))
        self._live.refresh()

    def close(self) -> None:
        """Leave the last drawing where it is and give the terminal back."""
        self._live.stop()

    def _drawing(self) -> Group:
        pace = self._pace
        head = Table.grid(padding=(0, 3))
        head.add_row(
            f"update {pace.done}/{pace.updates}",
            ProgressBar(total=pace.updates, completed=pace.done, width=40),
            f"left {clock(pace.left)}",
        )
        phases = "  ".join(f"{name} {value:.1f} s" for name, value in pace.seconds.items())
        speed = f"{pace.tokens_per_second:,.0f} tokens/s  {phases}"
        return Group(head, self._numbers(), Text(self._evaluation), Text(speed))

    def _numbers(self) -> Table:
        grid = Table.grid(padding=(0, 3))
        cells = list(self._cells())
        for at in range(0, len(cells), _COLUMNS):
            grid.add_row(*cells[at : at + _COLUMNS])
        return grid

    def _cells(self) -> Iterator[str]:
        for name, (label, form) in SHOWN.items():
            if name in self._metrics:
                value = self._metrics[name]
                change = value - self._previous.get(name, value)
                arrow = "↑" if change > 0 else "↓" if change < 0 else " "
                yield f"{label} {value:{form}} {arrow}"
