"""Tuning of the credit benchmark: an equal grid on dev, and the settings that come out of it.

One learning rate for all, the better one for the baseline; then, for every method that has a term
of its own, that term's weight in units of its published value. The greatest area under the dev
curve decides, on a seed and in a regime that were declared; the first of equals.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from benchmarks.quality.credit_run import Job, Row

TUNING_SEED = 100
TUNING_REGIME = "two-hops"
BASELINE = "grpo"
RATES = (3e-4, 1e-3)
WEIGHTS = (1.0, 3.0, 10.0)
Settings = tuple[str, ...]
PUBLISHED: Mapping[str, tuple[str, float]] = {
    "chained_gain": ("alpha", 0.3),
    "document_belief": ("alpha", 0.3),
    "document_outcome": ("alpha", 0.3),
    "document_value": ("alpha", 0.3),
    "gigpo": ("weight", 1.0),
    "ig_search": ("alpha", 0.3),
    "mt_grpo": ("coefficient", 1.0),
    "oracle": ("alpha", 0.3),
    "placebo": ("alpha", 0.3),
    "relayed_gain": ("alpha", 0.3),
}
"""Method → (option that weighs its own term, its published value, or that of `ig_search`)."""
SCHEMES: Mapping[str, Settings] = {
    "mr_search": ("rollout.attempts=2", "rollout.group_size=4"),
}
"""Methods that are more than an estimator: as many episodes, half as many rollouts of two."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tuning:
    """What is tuned, from rows as they are at the moment."""

    rows: Callable[[], Sequence[Row]]
    updates: int

    def jobs(self, methods: Sequence[str]) -> Iterator[Job]:
        """Runs whose rows are missing: the baseline's first, on which all the others' rate
        depends."""
        yield from self._missing(BASELINE, rates())
        for method in methods:
            if method in PUBLISHED:
                yield from self._missing(method, weights(method, self.rate))

    @property
    def rate(self) -> Settings:
        """The learning rate of all methods."""
        return self.best(BASELINE, rates())

    def settings(self, method: str) -> Settings:
        """What a method is judged with."""
        chosen = self.rate
        if method in PUBLISHED:
            chosen = self.best(method, weights(method, chosen))
        return (*chosen, *SCHEMES.get(method, ()))

    def best(self, method: str, grid: Sequence[Settings]) -> Settings:
        """Those of the grid with the greatest area; ValueError where a run is missing."""
        rows = {row.key: row for row in self.rows()}
        tried = {settings: self._job(method, settings).key for settings in grid}
        for settings, key in tried.items():
            if key not in rows:
                raise ValueError(f"{method} is not tuned yet: no run with {' '.join(settings)}")
        return max(grid, key=lambda settings: rows[tried[settings]].area)

    def _missing(self, method: str, grid: Sequence[Settings]) -> Iterator[Job]:
        known = {row.key for row in self.rows()}
        wanted = (self._job(method, settings) for settings in grid)
        return (job for job in wanted if job.key not in known)

    def _job(self, method: str, settings: Settings) -> Job:
        return Job(
            regime=TUNING_REGIME,
            method=method,
            settings=(*settings, *SCHEMES.get(method, ())),
            seed=TUNING_SEED,
            updates=self.updates,
        )


def rates() -> list[Settings]:
    """Learning rates that are tried."""
    return [(f"optim.learning_rate={rate:g}",) for rate in RATES]


def weights(method: str, rate: Settings) -> list[Settings]:
    """Weights that are tried for a method."""
    option, value = PUBLISHED[method]
    return [(*rate, f"credit.options.{option}={weight * value:g}") for weight in WEIGHTS]


def named(rows: Sequence[Row]) -> dict[tuple[str, str], list[Row]]:
    """(regime, method) → its rows by seed; settings beyond the tuned ones go with the name."""
    found: dict[tuple[str, str], list[Row]] = {}
    for row in sorted(rows, key=lambda row: row.seed):
        tuned = 1 + (row.method in PUBLISHED) + len(SCHEMES.get(row.method, ()))
        name = " ".join([row.method, *row.settings[tuned:]])
        found.setdefault((row.regime, name), []).append(row)
    return found


def short(name: str) -> str:
    """A method's name, as `named` makes it, with symbols for its settings.

    >>> short("placebo credit.options.alpha=0.3")
    'placebo α=0.3'
    """
    for setting, symbol in (("alpha", "α"), ("negative_factor", "λ")):
        name = name.replace(f"credit.options.{setting}", symbol)
    return name
