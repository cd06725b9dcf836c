"""Two groups compared at their last common evaluation: by seed and by question, paired."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from igs_agent.reporting.answers import SCORES
from igs_agent.reporting.curves import counts
from igs_agent.reporting.groups import Group
from igs_agent.reporting.load import Run
from igs_agent.reporting.settings import differing, word
from igs_agent.statistics import (
    Interval,
    bootstrap_interval,
    paired_bootstrap,
    seed_interval,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """`second − first` of one score."""

    score: str
    first: float
    second: float
    by_seed: Interval | None
    """Student's t over the seeds that both have; None with fewer than two."""
    by_question: Interval | None
    """Bootstrap over the questions that all runs answered, each the mean over seeds; None where no
    rows were kept."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Comparison:
    """Of a group with the first one."""

    first: str
    second: str
    update: int
    """Updates done at the evaluation that is compared."""
    seeds: tuple[str, ...]
    """That both have."""
    settings: tuple[str, ...]
    """Keys in which the groups differ."""
    differences: tuple[Difference, ...]


def compare(first: Group, second: Group, *, confidence: float = 0.95) -> Comparison | str:
    """The comparison, or why there is none, as a sentence."""
    of_first, of_second = ({word(run.seed): run for run in g.runs} for g in (first, second))
    seeds = [seed for seed in of_first if seed in of_second]
    names = f"{first.label} and {second.label}"
    if not seeds:
        return f"{names} have no seed in common, so nothing can be paired."
    pairs = [(of_first[seed], of_second[seed]) for seed in seeds]
    common = set.intersection(*(set(run.evaluations) for pair in pairs for run in pair))
    if not common - {0}:
        return f"{names} were not yet evaluated after the same number of updates."
    update = max(common)
    found = [_difference(pairs, score, update, confidence) for score in SCORES]
    return Comparison(
        first=first.label,
        second=second.label,
        update=update,
        seeds=tuple(seeds),
        settings=tuple(differing([first.settings, second.settings])),
        differences=tuple(each for each in found if each is not None),
    )


def _difference(
    pairs: Sequence[tuple[Run, Run]], score: str, update: int, confidence: float
) -> Difference | None:
    key = f"eval/{score}"
    rows = [[run.evaluations[update] for run in pair] for pair in pairs]
    if not all(key in row for pair in rows for row in pair):
        return None
    first, second = ([pair[side][key] for pair in rows] for side in (0, 1))
    changes = [b - a for a, b in zip(first, second, strict=True)]
    return Difference(
        score=score,
        first=float(np.mean(first)),
        second=float(np.mean(second)),
        by_seed=seed_interval(changes, confidence=confidence) if len(changes) > 1 else None,
        by_question=_by_question(pairs, score, update, confidence),
    )


def _by_question(
    pairs: Sequence[tuple[Run, Run]], score: str, update: int, confidence: float
) -> Interval | None:
    tables = [[answered(run, score, update) for run in pair] for pair in pairs]
    common = set.intersection(*(set(table) for pair in tables for table in pair))
    if not common:
        return None
    order = sorted(common)
    means = [
        [float(np.mean([pair[side][id] for pair in tables])) for id in order] for side in (0, 1)
    ]
    changes = np.subtract(means[1], means[0])
    return bootstrap_interval(changes, samples=4000, confidence=confidence)


def answered(run: Run, score: str, update: int) -> dict[str, float]:
    """Question id → score at an evaluation, of those that count."""
    rows = run.answers.get(update, ())
    return {
        row.question_id: value
        for row in rows
        if counts(row.outcome) and (value := row.scores.get(score)) is not None
    }


def change_in_run(run: Run, score: str) -> tuple[int, Interval] | None:
    """(updates of the last evaluation, its score minus the first's over the same questions)."""
    kept = sorted(run.answers)
    if len(kept) < 2 or kept[0] != 0:
        return None
    before, after = (answered(run, score, update) for update in (kept[0], kept[-1]))
    order = sorted(before.keys() & after.keys())
    if not order:
        return None
    return kept[-1], paired_bootstrap([after[i] for i in order], [before[i] for i in order])
