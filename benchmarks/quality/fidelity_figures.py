"""What the fidelity of a signal is: AUC, AUC within questions, rank correlation, with intervals."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import stats


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One search: where it was due, whether it found what was needed, and what signals say."""

    question: str
    hops: int
    due: int
    """Hop that was due, from 1."""
    found: bool
    values: dict[str, float]
    """Signal → value; one that could not be measured is missing."""

    @property
    def places(self) -> tuple[str, ...]:
        """Where its figures count: by what the hop is for, and by its number where there are
        three."""
        kind = "last hop" if self.due == self.hops else "bridging hop"
        return (kind,) if self.hops < 3 else (kind, f"hop {self.due} of {self.hops}")


def summarise(searches: Sequence[Search]) -> list[dict[str, Any]]:
    """One row per place and signal; no search is due at a place that is not there."""
    rows = []
    for place in sorted({place for search in searches for place in search.places}):
        here = [search for search in searches if place in search.places]
        names = list(dict.fromkeys(name for search in here for name in search.values))
        rows += [_row(place, name, here) for name in names]
    return rows


def _row(place: str, name: str, searches: Sequence[Search]) -> dict[str, Any]:
    valued = [search for search in searches if name in search.values]
    by_question: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for search in valued:
        by_question[search.question].append((search.found, search.values[name]))
    questions = list(by_question.values())
    return {
        "place": place,
        "signal": name,
        "searches": len(valued),
        "found": sum(search.found for search in valued),
        "auc": _with_interval(questions, pooled_auc),
        "auc_within": _with_interval(questions, auc_within),
        "spearman": _with_interval(questions, spearman),
    }


Questions = Sequence[Sequence[tuple[bool, float]]]
"""Per question, its searches: (found, value)."""


def pooled_auc(questions: Questions) -> float:
    """P(value of one that found > of one that did not) + P(equal)/2 (Mann and Whitney 1947)."""
    every = [pair for question in questions for pair in question]
    good = [value for found, value in every if found]
    bad = [value for found, value in every if not found]
    if not good or not bad:
        return float("nan")
    ranks = stats.rankdata([*good, *bad])
    return float((ranks[: len(good)].sum() / len(good) - (len(good) + 1) / 2) / len(bad))


def auc_within(questions: Questions) -> float:
    """The same over pairs of searches of one question."""
    better = pairs = 0.0
    for question in questions:
        good = np.array([value for found, value in question if found])
        bad = np.array([value for found, value in question if not found])
        difference = good[:, None] - bad[None, :]
        better += float((difference > 0).sum() + 0.5 * (difference == 0).sum())
        pairs += difference.size
    return better / pairs if pairs else float("nan")


def spearman(questions: Questions) -> float:
    """Rank correlation of found (0 or 1) and value."""
    every = np.array([pair for question in questions for pair in question], dtype=float)
    if len(every) < 3 or not np.ptp(every[:, 0]) or not np.ptp(every[:, 1]):
        return float("nan")
    return float(stats.spearmanr(every[:, 0], every[:, 1]).statistic)


def _with_interval(
    questions: Questions, figure: Callable[[Questions], float], samples: int = 200
) -> dict[str, float | None]:
    """The figure and its 95 % bootstrap interval over questions."""
    if not questions:
        return {"value": None, "low": None, "high": None}
    random = np.random.default_rng(0)
    draws = [
        figure([questions[int(i)] for i in random.integers(len(questions), size=len(questions))])
        for _ in range(samples)
    ]
    usable = [draw for draw in draws if np.isfinite(draw)] or [float("nan")]
    low, high = np.quantile(usable, [0.025, 0.975])
    values = {"value": figure(questions), "low": float(low), "high": float(high)}
    return {name: round(v, 4) if np.isfinite(v) else None for name, v in values.items()}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| place | signal | searches (found) | AUC | AUC within questions | Spearman |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        figures = [_shown(row[name]) for name in ("auc", "auc_within", "spearman")]
        lines.append(
            f"| {row['place']} | {row['signal']} | {row['searches']} ({row['found']}) | "
            f"{' | '.join(figures)} |"
        )
    return "\n".join(lines)


def _shown(figure: Mapping[str, float | None]) -> str:
    if figure["value"] is None:
        return "–"
    return f"{figure['value']:.2f} [{figure['low']:.2f}, {figure['high']:.2f}]"
