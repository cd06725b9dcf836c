"""Runs of one experiment with other seeds, taken together."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from igs_agent.reporting.load import Run
from igs_agent.reporting.settings import Settings, differing, experiment, word
from igs_agent.reporting.shown import shown

_LONGEST = 36


@dataclass(frozen=True, slots=True, kw_only=True)
class Group:
    """One experiment."""

    label: str
    number: int
    """From 0: its colour and its line style are the same in every figure."""
    runs: tuple[Run, ...]
    """One per seed."""

    @property
    def settings(self) -> Settings:
        """What its runs have in common."""
        return experiment(self.runs[0].settings)

    @property
    def seeds(self) -> str:
        """Its seeds, in words."""
        known = [word(run.seed) for run in self.runs]
        return f"seed {known[0]}" if len(known) == 1 else f"{len(known)} seeds: {', '.join(known)}"


def group_runs(runs: Sequence[Run]) -> tuple[tuple[Group, ...], list[str]]:
    """(groups in the order of their first runs, what was left out, as sentences).

    A seed counts once: the same seed a second time would make intervals narrower and tell nothing.
    A run that is not half as long as the longest of its group is left out: curves end with the
    shortest run, and one that has just begun would take them all away.
    """
    found: dict[str, dict[str, Run]] = {}
    problems: list[str] = []
    for run in runs:
        of_group = found.setdefault(_key(run), {})
        seed = word(run.seed)
        if seed in of_group:
            problems.append(
                f"{shown(run.name)} has the settings and the seed of {shown(of_group[seed].name)} "
                "and was left out"
            )
        else:
            of_group[seed] = run
    together = [_long_enough(list(group.values()), problems) for group in found.values()]
    labels = _labels([group[0] for group in together])
    groups = tuple(
        Group(label=label, number=number, runs=of_group)
        for number, (label, of_group) in enumerate(zip(labels, together, strict=True))
    )
    return groups, problems


def _long_enough(runs: Sequence[Run], problems: list[str]) -> tuple[Run, ...]:
    longest = max(len(run.updates) for run in runs)
    kept = []
    for run in runs:
        if 2 * len(run.updates) >= longest:
            kept.append(run)
        else:
            problems.append(
                f"{shown(run.name)} has {len(run.updates)} updates where others of its group have "
                f"{longest}, and was left out"
            )
    return tuple(kept)


def _key(run: Run) -> str:
    if not run.settings:
        return str(run.path.resolve())
    return repr(sorted((key, word(value)) for key, value in experiment(run.settings).items()))


def _labels(firsts: Sequence[Run]) -> list[str]:
    """What tells the groups apart, in few words: a setting if one or two do, else the folders."""
    settings = [experiment(run.settings) for run in firsts]
    apart = differing(settings)
    for keys in (["credit.name"], apart) if firsts else ():
        labels = [shown(", ".join(_named(key, each.get(key)) for key in keys)) for each in settings]
        known = all(label.strip("— ,") for label in labels)
        if known and len(set(labels)) == len(labels) and max(map(len, labels)) <= _LONGEST:
            return labels
    return _distinct([shown(re.sub(r"[-_.]?\d+$", "", run.name) or run.name, 30) for run in firsts])


def _named(key: str, value: object) -> str:
    return word(value) if key.endswith("name") else f"{key.rpartition('.')[2]} {word(value)}"


def _distinct(labels: Sequence[str]) -> list[str]:
    """Equal labels numbered."""
    counts = [labels[: at + 1].count(label) for at, label in enumerate(labels)]
    return [
        label if count == 1 else f"{label} ({count})"
        for label, count in zip(labels, counts, strict=True)
    ]
