"""Evaluations as Markdown: one with its groups, or two compared."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence

from igs_agent.evaluation import HABITS, SCORES, Evaluation
from igs_agent.statistics import Interval, paired_bootstrap
from igs_env.errors import DataError

TITLES: dict[str, str] = {
    "exact_match": "EM",
    "f1": "F1",
    "sub_exact_match": "sub-EM",
    "recall": "recall",
    "searches": "searches",
    "policy_tokens": "tokens",
    "valid_actions": "valid",
    "truncated": "truncated",
}
"""Column → how tables call it."""


def markdown_table(evaluation: Evaluation) -> str:
    """All rows, then those of each dataset, hop count and kind where there are several.

    Scores with 95 % bootstrap intervals over questions, habits as means.
    """
    titles = [TITLES[name] for name in (*SCORES, *HABITS)]
    lines = [_line(["", "n", *titles]), _line(["---"] * (2 + len(titles)))]
    lines += [_line([name, *_cells(group)]) for name, group in _groups(evaluation)]
    if evaluation.failed:
        lines += ["", f"{evaluation.failed} episodes ended by a failed retrieval and do not count."]
    return "\n".join(lines)


def comparison_table(first: Evaluation, second: Evaluation) -> str:
    """The paired difference `second − first` of each score over the questions that both answered.

    Raises `DataError` where they have no question in common.
    """
    shared = first.items("exact_match").keys() & second.items("exact_match").keys()
    if not shared:
        raise DataError("the two evaluations have no question in common")
    lines = [_line(["", "n", "first", "second", "second − first, 95 %"]), _line(["---"] * 5)]
    for name in (*SCORES, *HABITS):
        a, b = first.items(name), second.items(name)
        keys = sorted(a.keys() & b.keys())
        if keys:
            means = [sum(side[key] for key in keys) / len(keys) for side in (a, b)]
            change = paired_bootstrap([b[key] for key in keys], [a[key] for key in keys])
            lines.append(
                _line([TITLES[name], str(len(keys)), *map(_number, means), _signed(change)])
            )
    lonely = len(first.items("exact_match").keys() ^ second.items("exact_match").keys())
    if lonely:
        lines += ["", f"{lonely} questions are only in one of the two and are left out."]
    return "\n".join(lines)


def _groups(evaluation: Evaluation) -> Iterator[tuple[str, Evaluation]]:
    yield "all", evaluation
    keys = (
        lambda row: row.dataset,
        lambda row: f"{row.hops} hop{'s' * (row.hops != 1)}" if row.hops else "",
        lambda row: row.kind,
    )
    for key in keys:
        groups = evaluation.by(key)
        if len(groups) > 1:
            yield from ((name or "—", group) for name, group in groups.items())


def _cells(evaluation: Evaluation) -> list[str]:
    return [
        str(len(evaluation.items("exact_match"))),
        *(_interval(evaluation.interval(name)) for name in SCORES),
        *(_number(evaluation.mean(name)) for name in HABITS),
    ]


def _interval(interval: Interval) -> str:
    if not interval.n:
        return "—"
    return f"{interval.mean:.3f} [{interval.low:.3f}, {interval.high:.3f}]"


def _signed(interval: Interval) -> str:
    return f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def _number(value: float) -> str:
    if math.isnan(value):
        return "—"
    return f"{value:.1f}" if value >= 10 else f"{value:.3f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
