"""How fast a run goes and how long it will take."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping


class Pace:
    """Seconds per phase, tokens per second and the time that is left.

    >>> pace = Pace(100)
    >>> pace.step(0, {"rollout": 2.0, "update": 1.0}, tokens=600)
    >>> str(pace)
    'update 1/100  3.0 s (rollout 2.0, update 1.0)  200 tokens/s  left 4:57'
    """

    def __init__(self, updates: int, *, done: int = 0) -> None:
        """Count towards `updates`, of which `done` are done."""
        self.updates, self.done = updates, done
        self.seconds: dict[str, float] = {}
        self.tokens_per_second = 0.0
        self._recent: deque[float] = deque(maxlen=20)

    def step(self, update: int, seconds: Mapping[str, float], tokens: float) -> None:
        """Take the timings of an update, counted from 0, and the tokens of its rollouts."""
        self.done, self.seconds = update + 1, dict(seconds)
        total = sum(seconds.values())
        self._recent.append(total)
        self.tokens_per_second = tokens / total if total else 0.0

    @property
    def left(self) -> float:
        """Seconds until the last update at the mean pace of the last twenty."""
        mean = sum(self._recent) / len(self._recent) if self._recent else 0.0
        return mean * max(0, self.updates - self.done)

    def __str__(self) -> str:
        """Number, seconds, speed and what is left, in one line."""
        phases = ", ".join(f"{name} {value:.1f}" for name, value in self.seconds.items())
        return (
            f"update {self.done}/{self.updates}  {sum(self.seconds.values()):.1f} s ({phases})  "
            f"{self.tokens_per_second:,.0f} tokens/s  left {clock(self.left)}"
        )


def clock(seconds: float) -> str:
    """Seconds as people read them.

    >>> clock(65), clock(3 * 3600 + 61)
    ('1:05', '3:01:01')
    """
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
