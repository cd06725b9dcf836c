"""A run as plain lines, for logs and pipes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from igs_agent.tracking.pace import Pace

Numbers = Mapping[str, float]

SHOWN: dict[str, tuple[str, str]] = {
    "rollout/exact_match": ("EM", ".3f"),
    "rollout/f1": ("F1", ".3f"),
    "rollout/reward": ("reward", ".3f"),
    "rollout/recall": ("recall", ".3f"),
    "gain/log_prob_real": ("real", ".2f"),
    "gain/log_prob_counterfactual": ("counterfactual", ".2f"),
    "groups/all_fail_share": ("all fail", ".2f"),
    "groups/all_pass_share": ("all pass", ".2f"),
    "rollout/searches": ("searches", ".2f"),
    "rollout/valid_actions": ("valid", ".2f"),
    "update/grad_norm": ("gradient", ".3g"),
    "gain/forward_tokens": ("gain tokens", ",.0f"),
}
"""Metric → (its name in a line, its format), in order."""


class LinesTracker:
    """One line per update and one per evaluation."""

    def __init__(self, updates: int, *, done: int = 0, write: Callable[[str], object]) -> None:
        """Count towards `updates`, of which `done` were done before a resume."""
        self._pace = Pace(updates, done=done)
        self._write = write
        self._waiting: dict[str, float] = {}

    def metrics(self, update: int, values: Numbers) -> None:
        """See `Tracker.metrics`. An update's line is complete with its timings."""
        if any(name.startswith("eval/") for name in values):
            self._write(evaluation_line(update, values))
        else:
            self._waiting = dict(values)

    def episodes(self, update: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """See `Tracker.episodes`; they are not for a terminal."""

    def timings(self, update: int, seconds: Numbers) -> None:
        """See `Tracker.timings`."""
        self._pace.step(update, seconds, self._waiting.get("rollout/tokens", 0.0))
        self._write(f"{shown(self._waiting)}  {self._pace}")
        self._waiting = {}

    def close(self) -> None:
        """Nothing is held back: a line that waits for its timings has none."""


def shown(values: Numbers) -> str:
    """The chosen metrics that are there, with short names.

    >>> shown({"rollout/searches": 1.5, "update/loss": 0.1})
    'searches 1.50'
    """
    return "  ".join(
        f"{label} {values[name]:{form}}" for name, (label, form) in SHOWN.items() if name in values
    )


def evaluation_line(update: int, values: Numbers) -> str:
    """An evaluation in one line: the metrics that an update's line has, and no others.

    >>> evaluation_line(10, {"eval/recall": 0.5, "eval/exact_match": 0.25, "eval/truncated": 1.0})
    'evaluation after 10 updates  EM 0.250  recall 0.500'
    """
    scores = {name.replace("eval/", "rollout/"): value for name, value in values.items()}
    return f"evaluation after {update} updates  {shown(scores)}"
