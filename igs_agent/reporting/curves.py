"""Metrics of a group over its updates, with a band over its seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from igs_agent.reporting.groups import Group
from igs_agent.reporting.load import Numbers
from igs_agent.statistics import Interval, bootstrap_interval, seed_interval

POINTS = 25
"""Most points of a curve: more updates than that are averaged in twos, threes and so on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A mean, and its interval where one can be told."""

    x: float
    """Updates done."""
    mean: float
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A metric of one group."""

    label: str
    series: int
    """Number of the group."""
    points: tuple[Point, ...]
    band: str
    """What the intervals are over, in words; empty where there are none."""


def update_curve(group: Group, name: str) -> Curve | None:
    """A metric of the updates, averaged over neighbours; None where no run has it."""
    series = [{n: row[name] for n, row in run.updates.items() if name in row} for run in group.runs]
    return binned_curve(group, series)


def binned_curve(
    group: Group, series: Sequence[Mapping[int, float]], width: int | None = None
) -> Curve | None:
    """One series of update → value per seed, as means over neighbouring updates.

    Only updates that every seed has: a mean over fewer seeds at the end would show a step that is
    none of the method's.
    """
    if not series or not all(series):
        return None
    last = min(max(each) for each in series)
    width = width or bin_width(last + 1)
    points = []
    for start in range(0, last + 1, width):
        updates = range(start, min(start + width, last + 1))
        found = [[each[n] for n in updates if n in each] for each in series]
        if all(found):
            means = [float(np.mean(values)) for values in found]
            points.append(_over_seeds((updates[0] + updates[-1]) / 2, means))
    return _curve(group, points, _band(len(series))) if points else None


def bin_width(updates: int) -> int:
    """How many neighbouring updates become one point.

    >>> bin_width(25), bin_width(26), bin_width(100)
    (1, 2, 4)
    """
    return max(1, -(-updates // POINTS))


def evaluation_curve(group: Group, name: str) -> Curve | None:
    """A score of the evaluations; over questions where there is one seed. None without one."""
    key = f"eval/{name}"
    runs = group.runs
    common = set.intersection(
        *({n for n, r in run.evaluations.items() if key in r} for run in runs)
    )
    if not common:
        return None
    if len(runs) > 1:
        points = [_over_seeds(n, [run.evaluations[n][key] for run in runs]) for n in sorted(common)]
        return _curve(group, points, _band(len(runs)))
    (run,) = runs
    points, known = [], True
    for n in sorted(common):
        values = [row.scores.get(name) for row in run.answers.get(n, ()) if counts(row.outcome)]
        found = [value for value in values if value is not None]
        spread = bootstrap_interval(found, samples=2000) if found else None
        known = known and spread is not None
        points.append(_point(n, run.evaluations[n][key], spread))
    return _curve(group, points, "95 % over questions, one seed" if known else "")


def counts(outcome: str) -> bool:
    """A failed retrieval says nothing about the policy."""
    return outcome != "retrieval failed"


def over_updates(rows: Mapping[int, Numbers], name: str) -> NDArray[np.float64]:
    """All values of a metric."""
    return np.asarray([row[name] for row in rows.values() if name in row], dtype=np.float64)


def _curve(group: Group, points: Sequence[Point], band: str) -> Curve:
    return Curve(label=group.label, series=group.number, points=tuple(points), band=band)


def _over_seeds(x: float, values: Sequence[float]) -> Point:
    if len(values) < 2:
        return Point(x=x, mean=values[0])
    return _point(x, float(np.mean(values)), seed_interval(values))


def _point(x: float, mean: float, spread: Interval | None) -> Point:
    if spread is None:
        return Point(x=x, mean=mean)
    return Point(x=x, mean=mean, low=spread.low, high=spread.high)


def _band(seeds: int) -> str:
    return f"95 % over {seeds} seeds" if seeds > 1 else ""
