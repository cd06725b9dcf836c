"""What training took: seconds per phase and tokens through the model, and the gain's part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from igs_agent.reporting.curves import over_updates
from igs_agent.reporting.groups import Group
from igs_agent.reporting.load import Numbers

PHASES = ("rollout", "gain", "update", "push", "evaluation")
TOKENS = {
    "rollout": "rollout/tokens",
    "gain": "gain/forward_tokens",
    "update": "update/forward_tokens",
}
"""Phase → the metric that counts its tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """Of a mean update of a group."""

    label: str
    seconds: Mapping[str, float]
    """Phase → seconds of wall-clock time; only phases that were timed."""
    tokens: Mapping[str, float]
    """Phase → tokens."""
    hours: float
    """Of all runs together."""

    @property
    def time_share(self) -> float | None:
        """The gain's part of the time that training took, evaluations left out."""
        if "gain" not in self.tokens:  # nothing was measured, in no time at all
            return None
        return _part({name: x for name, x in self.seconds.items() if name != "evaluation"})

    @property
    def token_share(self) -> float | None:
        """The gain's part of the tokens."""
        return _part(self.tokens)


def cost_of(group: Group) -> Cost:
    """Means over all updates of all seeds; what was not recorded is left out."""
    rows = [row for run in group.runs for row in run.timings.values()]
    known = {key.removeprefix("seconds/") for row in rows for key in row}
    phases = [*(p for p in PHASES if p in known), *sorted(known - set(PHASES))]
    totals = {p: sum(row.get(f"seconds/{p}", 0.0) for row in rows) for p in phases}
    return Cost(
        label=group.label,
        seconds={phase: total / len(rows) for phase, total in totals.items()},
        tokens={
            phase: mean
            for phase, metric in TOKENS.items()
            if (mean := _mean([run.updates for run in group.runs], metric))
        },
        hours=sum(totals.values()) / 3600,
    )


def _mean(several: list[Mapping[int, Numbers]], name: str) -> float | None:
    values = np.concatenate([over_updates(rows, name) for rows in several])
    return float(values.mean()) if len(values) else None


def _part(values: Mapping[str, float]) -> float | None:
    whole = sum(values.values())
    return values["gain"] / whole if "gain" in values and whole > 0 else None
