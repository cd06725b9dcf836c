"""Statistics of the credit benchmark: intervals, tests and budgets, from rows or plain scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rliable import library, metrics

from benchmarks.quality.credit_run import Row
from igs_agent.statistics import seed_interval

REPEATS = 2000
"""Bootstrap samples."""
Array = NDArray[np.float64]


def aggregate(own: Mapping[str, Sequence[Row]]) -> dict[str, tuple[float, float, float]]:
    """Method → interquartile mean of test EM, and its interval."""
    scores = {method: np.array([[row.test_em] for row in runs]) for method, runs in own.items()}
    return interquartile_means({name: score for name, score in scores.items() if len(score) > 1})


def interquartile_means(scores: Mapping[str, Array]) -> dict[str, tuple[float, float, float]]:
    """Name → interquartile mean of (seeds, regimes), with its stratified bootstrap interval."""
    return _estimates(dict(scores), lambda values: np.array([metrics.aggregate_iqm(values)]))


def probability_of_improvement(first: Array, second: Array) -> tuple[float, float, float]:
    """P(a run of the first is better than one of the second), and its bootstrap interval."""

    # rliable's own figure, without a rank test of every sample, which takes a minute a pair.
    def improved(x: Array, y: Array) -> Array:
        differences = x - y.T
        return np.array([np.mean(differences > 0) + 0.5 * np.mean(differences == 0)])

    return _estimates({"pair": (first[:, None], second[:, None])}, improved)["pair"]


def _estimates(scores: Mapping[str, Any], figure: Any) -> dict[str, tuple[float, float, float]]:
    """Name → figure and its percentile interval over runs resampled within their regimes."""
    # rliable resamples from NumPy's global state, whatever random_state it is given.
    before = np.random.get_state()  # noqa: NPY002
    np.random.seed(0)  # noqa: NPY002
    try:
        points, intervals = library.get_interval_estimates(dict(scores), figure, reps=REPEATS)
    finally:
        np.random.set_state(before)  # noqa: NPY002
    return {
        name: (float(points[name][0]), float(intervals[name][0, 0]), float(intervals[name][1, 0]))
        for name in scores
    }


def sign_flip_test(differences: Sequence[float]) -> float:
    """Two-sided p of paired differences: all signs are as likely under no difference (Fisher).

    >>> sign_flip_test([0.1, 0.2, 0.3]) == 2 / 8
    True
    """
    seen = abs(float(np.sum(differences)))
    sums = np.zeros(1)
    for value in np.asarray(differences, dtype=np.float64):
        sums = np.concatenate([sums - value, sums + value])
    return float(np.mean(np.abs(sums) >= seen - 1e-12))


def holm(tests: Sequence[float]) -> list[float]:
    """p of several tests, corrected such that any false one among them is as rare (Holm 1979).

    >>> holm([0.04, 0.01, 0.03])
    [0.06, 0.03, 0.06]
    """
    corrected = np.zeros(len(tests))
    least = 0.0
    for place, at in enumerate(np.argsort(tests)):
        least = max(least, min(1.0, (len(tests) - place) * tests[at]))
        corrected[at] = least
    return [float(value) for value in corrected]


def at_tokens(row: Row, budget: float) -> float:
    """Dev EM when a run had spent so many tokens; its last where it never did.

    As if every update cost the same, and EM grew evenly between evaluations.
    """
    updates, ems = zip(*row.curve, strict=True)
    return float(np.interp(updates[-1] * budget / row.tokens, updates, ems))


def shown(values: Sequence[float]) -> str:
    """Mean and Student's t interval."""
    if len(values) < 2:
        return f"{values[0]:.3f}" if values else "–"
    found = seed_interval(values)
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


def signed(values: Sequence[float]) -> str:
    """Mean and Student's t interval of differences, bold where the interval does not hold 0.

    >>> signed([0.1, 0.12, 0.11])
    '**+0.110 [+0.085, +0.135]**'
    """
    if len(values) < 2:
        return f"{values[0]:+.3f}" if values else "–"
    found = seed_interval(values)
    text = f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"
    return f"**{text}**" if found.low > 0 or found.high < 0 else text


def triple(values: tuple[float, float, float]) -> str:
    """Point and interval."""
    return f"{values[0]:.3f} [{values[1]:.3f}, {values[2]:.3f}]"
