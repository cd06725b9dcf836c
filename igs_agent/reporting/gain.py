"""Whether the gain told useful searches from useless ones, and where in an episode."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from igs_agent.reporting.curves import Curve, bin_width, binned_curve
from igs_agent.reporting.episodes import Brought, MeasuredSearch
from igs_agent.reporting.groups import Group
from igs_agent.statistics import Interval, seed_interval

POSITIONS = 4
"""Searches of an episode, from the first on, that have a figure of their own."""
_FEWEST = 20
"""Searches of either kind below which nothing is said about telling them apart."""
_SAMPLES = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionCurves:
    """The two log-probabilities at the n-th search of an episode, over the updates."""

    position: int
    """From 1."""
    real: Curve
    counterfactual: Curve


@dataclass(frozen=True, slots=True, kw_only=True)
class Informativeness:
    """How well the gain told searches that brought a gold document from those without any."""

    auc: Interval
    """Probability that the former's gain is larger; `n` counts seeds, or searches of one seed."""
    seeds: int
    useful: int
    useless: int


def position_curves(group: Group) -> list[PositionCurves]:
    """Curves of the first searches, as far as every seed has some that were measured."""
    found = []
    last = min((max(run.updates, default=0) for run in group.runs), default=0)
    width = bin_width(last + 1)
    for position in range(1, POSITIONS + 1):
        of_runs = [
            [each for each in run.episodes.searches if each.position == position]
            for run in group.runs
        ]
        real = binned_curve(group, [_means(s, "real") for s in of_runs], width)
        other = binned_curve(group, [_means(s, "counterfactual") for s in of_runs], width)
        if real is not None and other is not None:
            found.append(PositionCurves(position=position, real=real, counterfactual=other))
    return found


def by_brought(group: Group, position: int | None, brought: Brought) -> NDArray[np.float64]:
    """Gains of all searches of a kind; of every position where that is None."""
    return np.asarray(
        [
            search.gain
            for run in group.runs
            for search in run.episodes.searches
            if search.brought == brought and position in (None, search.position)
        ],
        dtype=np.float64,
    )


def informativeness(group: Group, brought: Brought = "last") -> Informativeness | None:
    """Of searches that brought `brought`, over seeds where there are several, else over questions.

    None where too little is known.
    """
    of_runs = [run.episodes.searches for run in group.runs]
    kinds = [_kinds(searches, brought) for searches in of_runs]
    if not kinds or any(min(len(a), len(b)) < _FEWEST for a, b in kinds):
        return None
    if len(kinds) > 1:
        interval = seed_interval([auc(useful, useless) for useful, useless in kinds])
    else:
        interval = _over_questions(of_runs[0], brought)
    return Informativeness(
        auc=interval,
        seeds=len(kinds),
        useful=sum(len(useful) for useful, _ in kinds),
        useless=sum(len(useless) for _, useless in kinds),
    )


def auc(useful: NDArray[np.float64], useless: NDArray[np.float64]) -> float:
    """Probability that a useful one is larger than a useless one, ties counting half.

    Area under the receiver's curve, by ranks (Mann & Whitney 1947).

    >>> auc(np.array([2.0, 3.0]), np.array([1.0, 2.0]))
    0.875
    """
    below = np.searchsorted(np.sort(useless), useful, side="left")
    up_to = np.searchsorted(np.sort(useless), useful, side="right")
    return float((below + up_to).mean() / (2 * len(useless)))


def _kinds(
    searches: Iterable[MeasuredSearch], brought: Brought
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Gains of searches that brought `brought`, and of those that brought no gold document."""
    useful = [each.gain for each in searches if each.brought == brought]
    useless = [each.gain for each in searches if each.brought == "none"]
    return np.asarray(useful, dtype=np.float64), np.asarray(useless, dtype=np.float64)


def _over_questions(searches: Sequence[MeasuredSearch], brought: Brought) -> Interval:
    """Bootstrap over questions, since searches about one question are no independent items."""
    by_question: dict[str, list[MeasuredSearch]] = {}
    for each in searches:
        by_question.setdefault(each.question_id, []).append(each)
    parts = [_kinds(found, brought) for found in by_question.values()]
    draw = np.random.default_rng(0)
    values = []
    for _ in range(_SAMPLES):
        chosen = [parts[at] for at in draw.integers(len(parts), size=len(parts))]
        useful, useless = (np.concatenate([each[side] for each in chosen]) for side in (0, 1))
        if len(useful) and len(useless):
            values.append(auc(useful, useless))
    low, high = np.quantile(values, [0.025, 0.975])
    return Interval(
        mean=auc(*_kinds(searches, brought)), low=float(low), high=float(high), n=len(by_question)
    )


def _means(searches: Iterable[MeasuredSearch], name: str) -> dict[int, float]:
    """Update → mean over its searches."""
    values: dict[int, list[float]] = {}
    for each in searches:
        values.setdefault(each.update, []).append(getattr(each, name))
    return {update: float(np.mean(found)) for update, found in values.items()}
