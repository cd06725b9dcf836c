"""Means with intervals, over items, paired, and over seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Interval:
    """A mean, its confidence interval, and how many items it is over.

    >>> str(Interval(mean=0.5, low=0.25, high=0.75, n=8))
    '0.500 [0.250, 0.750], n = 8'
    """

    mean: float
    low: float
    high: float
    n: int

    def __str__(self) -> str:
        """`mean [low, high], n = …`."""
        return f"{self.mean:.3f} [{self.low:.3f}, {self.high:.3f}], n = {self.n}"


def bootstrap_interval(
    values: Sequence[float] | NDArray[np.float64],
    *,
    seed: int = 0,
    samples: int = 10_000,
    confidence: float = 0.95,
) -> Interval:
    """Percentile bootstrap interval of the mean over items (Efron 1979).

    Raises ValueError without a value.

    >>> bootstrap_interval([1.0, 1.0, 1.0]).low
    1.0
    """
    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) == 0:
        raise ValueError(f"expected at least one value, got an array of shape {array.shape}")
    means = _resampled_means(array, np.random.default_rng(seed), samples)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(mean=float(array.mean()), low=float(low), high=float(high), n=len(array))


def mean_of_means_interval(
    groups: Sequence[Sequence[float]],
    *,
    seed: int = 0,
    samples: int = 10_000,
    confidence: float = 0.95,
) -> Interval:
    """Mean over groups of each group's mean, with items resampled inside their groups.

    What the field calls the average of several question sets: a set of 125 questions weighs as
    much as one of 14,267. Raises ValueError without a group, or for a group without a value.

    >>> mean_of_means_interval([[1.0, 1.0, 1.0], [0.0]]).mean
    0.5
    """
    if not groups or not all(groups):
        raise ValueError(f"expected values in every group, got sizes {[len(g) for g in groups]}")
    arrays = [np.asarray(group, dtype=np.float64) for group in groups]
    random = np.random.default_rng(seed)
    means = np.mean([_resampled_means(array, random, samples) for array in arrays], axis=0)
    low, high = np.quantile(means, [(1 - confidence) / 2, (1 + confidence) / 2])
    return Interval(
        mean=float(np.mean([array.mean() for array in arrays])),
        low=float(low),
        high=float(high),
        n=sum(map(len, arrays)),
    )


def paired_bootstrap(
    first: Sequence[float], second: Sequence[float], *, seed: int = 0, samples: int = 10_000
) -> Interval:
    """Interval of the mean of `first − second` over the items that both were measured on.

    >>> paired_bootstrap([1.0, 0.0], [0.0, -1.0]).mean
    1.0
    """
    if len(first) != len(second):
        raise ValueError(f"paired values must be of equal number, got {len(first)}, {len(second)}")
    return bootstrap_interval(
        np.asarray(first, dtype=np.float64) - np.asarray(second, dtype=np.float64),
        seed=seed,
        samples=samples,
    )


def seed_interval(values: Sequence[float], *, confidence: float = 0.95) -> Interval:
    """Student's t interval of the mean over seeds: for five or ten values, where a bootstrap is
    too narrow. Raises ValueError for fewer than two.

    >>> str(seed_interval([0.1, 0.2, 0.3]))
    '0.200 [-0.048, 0.448], n = 3'
    """
    from scipy import stats

    array = np.asarray(values, dtype=np.float64)
    if array.ndim != 1 or len(array) < 2:
        raise ValueError(f"an interval over seeds needs two or more, got {list(values)}")
    mean, error = float(array.mean()), float(array.std(ddof=1) / np.sqrt(len(array)))
    half = float(stats.t.ppf((1 + confidence) / 2, len(array) - 1)) * error
    return Interval(mean=mean, low=mean - half, high=mean + half, n=len(array))


def _resampled_means(
    values: NDArray[np.float64], random: np.random.Generator, samples: int
) -> NDArray[np.float64]:
    # In parts, so that 10,000 resamples of 10,000 items do not need a gigabyte.
    size = max(1, min(samples, 4_000_000 // len(values)))
    parts = [
        values[random.integers(len(values), size=(min(size, samples - at), len(values)))].mean(1)
        for at in range(0, samples, size)
    ]
    return np.concatenate(parts)
