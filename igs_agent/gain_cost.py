"""What information gain costs a run, beside everything else of an update."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from igs_agent.tracking import read_jsonl

PHASES = ("rollout", "gain", "update")
TOKENS = ("rollout/tokens", "gain/forward_tokens", "update/forward_tokens")
"""Those of each phase."""

Numbers = Mapping[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class GainCost:
    """Medians over the updates of a run; 0 where nothing was measured."""

    tokens: float
    """Through the model per update to measure gains."""
    token_share: float
    """Of those of rollouts, gain and update together."""
    seconds: float
    """Per update."""
    time_share: float
    """Of rollouts, gain and update together. A fast step makes it larger."""

    def __str__(self) -> str:
        """The cost in one line."""
        return (
            f"{self.tokens:,.0f} tokens ({self.token_share:.0%}) and {self.seconds:.2f} s "
            f"({self.time_share:.0%}) per update"
        )


def gain_cost(metrics: Iterable[Numbers], timings: Iterable[Numbers]) -> GainCost:
    """The cost that rows of `metrics.jsonl` and `timings.jsonl` show.

    >>> metrics = {"rollout/tokens": 500, "gain/forward_tokens": 100, "update/forward_tokens": 400}
    >>> timings = {"seconds/rollout": 2.0, "seconds/gain": 1.0, "seconds/update": 2.0}
    >>> print(gain_cost([metrics], [timings]))
    100 tokens (10%) and 1.00 s (20%) per update
    """
    tokens = [[row[name] for name in TOKENS] for row in metrics if TOKENS[0] in row]
    seconds = [[row.get(f"seconds/{name}", 0.0) for name in PHASES] for row in timings]
    if not tokens or not seconds:
        return GainCost(tokens=0.0, token_share=0.0, seconds=0.0, time_share=0.0)
    return GainCost(
        tokens=median(row[1] for row in tokens),
        token_share=median(row[1] / sum(row) for row in tokens),
        seconds=median(row[1] for row in seconds),
        time_share=median(row[1] / (sum(row) or 1.0) for row in seconds),
    )


def gain_cost_of_run(folder: Path) -> GainCost:
    """The cost that a run folder shows. Raises `DataError` without its files."""
    return gain_cost(read_jsonl(folder / "metrics.jsonl"), read_jsonl(folder / "timings.jsonl"))
