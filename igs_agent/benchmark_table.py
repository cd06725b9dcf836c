"""Several question sets as the field reports them: a row each, their average, and the rivals."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence

from igs_agent.evaluation import Evaluation
from igs_agent.published import PUBLISHED, SETS, Published
from igs_agent.statistics import Interval, mean_of_means_interval

COLUMNS = ("set", "n", "EM %, 95 %", "F1 %, 95 %", "recall %", "searches", "tokens", "truncated %")


def benchmark_table(evaluation: Evaluation) -> str:
    """Markdown: our figures per set with the average, then the published ones of the same sets.

    A set's EM is a mean over its questions, never over batches (trap T6); the average is the
    mean over sets, as the field's. Its interval resamples the questions of every set.
    """
    sets = _in_order(evaluation.by(lambda row: row.dataset))
    lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS))]
    lines += [_line(_cells(name, group)) for name, group in sets.items()]
    lines.append(_line(_average(sets)))
    known = [name for name in sets if name in SETS]
    if known:
        lines += ["", *_published(evaluation, sets, known)]
    if evaluation.failed:
        lines += ["", f"{evaluation.failed} episodes ended by a failed retrieval and do not count."]
    return "\n".join(lines)


def _in_order(sets: Mapping[str, Evaluation]) -> dict[str, Evaluation]:
    """The field's sets in its order, then others by name."""
    known = {name: sets[name] for name in SETS if name in sets}
    return known | {name: group for name, group in sets.items() if name not in known}


def _cells(name: str, group: Evaluation) -> list[str]:
    return [
        name,
        f"{len(group.items('exact_match')):,}",
        _percent(group.interval("exact_match")),
        _percent(group.interval("f1")),
        *_habits([group]),
    ]


def _average(sets: Mapping[str, Evaluation]) -> list[str]:
    total = sum(len(group.items("exact_match")) for group in sets.values())
    return [
        f"average of {len(sets)}",
        f"{total:,}",
        *(_percent(_over_sets(sets, name)) for name in ("exact_match", "f1")),
        *_habits(list(sets.values())),
    ]


def _over_sets(sets: Mapping[str, Evaluation], name: str) -> Interval:
    values = [list(group.items(name).values()) for group in sets.values()]
    if not all(values):  # every episode of a set failed
        return Interval(mean=math.nan, low=math.nan, high=math.nan, n=0)
    return mean_of_means_interval(values)


def _habits(groups: Sequence[Evaluation]) -> list[str]:
    """Recall, searches, tokens and truncation, each a mean over the groups' means."""
    found = {
        name: sum(group.mean(name) for group in groups) / len(groups)
        for name in ("recall", "searches", "policy_tokens", "truncated")
    }
    return [
        _number(100 * found["recall"]),
        _number(found["searches"], digits=2),
        _number(found["policy_tokens"]),
        _number(100 * found["truncated"]),
    ]


def _published(
    evaluation: Evaluation, sets: Mapping[str, Evaluation], known: Sequence[str]
) -> Iterator[str]:
    """Ours beside what was published for the same sets."""
    yield _line(["EM %", *known, f"average of {len(known)}", "published average of 7"])
    yield _line(["---"] * (len(known) + 3))
    ours = [100 * sets[name].mean("exact_match") for name in known]
    whole = _number(sum(ours) / len(ours)) if len(known) == len(SETS) else "—"
    yield _line(["this run", *map(_number, ours), _number(sum(ours) / len(ours)), whole])
    for number, (name, figures) in enumerate(PUBLISHED.items(), 1):
        yield _line(_rival(name, figures, known, f"[{number}]" if figures.caveat else ""))
    yield ""
    yield (
        "Published: Qwen2.5-3B, wiki-18, E5, each by its own evaluation. A point is about one "
        "standard deviation over seeds."
    )
    for number, (name, figures) in enumerate(PUBLISHED.items(), 1):
        if figures.caveat:
            yield f"[{number}] {name}: {figures.caveat}."


def _rival(name: str, figures: Published, known: Sequence[str], mark: str) -> list[str]:
    values = [figures.exact_match.get(each, math.nan) for each in known]
    about = "~" if figures.about else ""
    cells = ["" if math.isnan(value) else f"{about}{value:.1f}" for value in values]
    mean = sum(values) / len(values)
    return [
        f"{name} {mark}".strip(),
        *cells,
        "" if math.isnan(mean) else f"{about}{mean:.1f}",
        f"{figures.average:.1f}",
    ]


def _percent(interval: Interval) -> str:
    if not interval.n:
        return "—"
    return f"{100 * interval.mean:.1f} [{100 * interval.low:.1f}, {100 * interval.high:.1f}]"


def _number(value: float, *, digits: int = 1) -> str:
    return "—" if math.isnan(value) else f"{value:.{digits}f}"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
