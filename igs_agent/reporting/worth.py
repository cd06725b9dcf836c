"""The page's part about the gain: log-probabilities by position, and what searches brought."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from igs_agent.reporting.curves import Curve
from igs_agent.reporting.figure import Panel
from igs_agent.reporting.gain import POSITIONS, by_brought, position_curves
from igs_agent.reporting.groups import Group
from igs_agent.reporting.plots import curves_panel
from igs_agent.reporting.section import Section
from igs_agent.reporting.shown import number, share
from igs_agent.reporting.table import Table

_BROUGHT = {
    "last": "the last gold document",
    "earlier": "an earlier gold document",
    "none": "no gold document",
    "unknown": "no gold document is named",
}
_ORDINALS = ("1st", "2nd", "3rd", "4th")


def gains(groups: Sequence[Group]) -> Section:
    """Real against counterfactual, by the search's place in its episode."""
    measured = [group for group in groups if any(run.episodes.searches for run in group.runs)]
    absent = [
        f"{group.label}: no gain is on record (its credit need not use one)"
        for group in groups
        if group not in measured
    ]
    tables = [
        (f"{group.label}: gain by what the search brought, nats per answer token", _table(group))
        for group in measured
    ]
    return Section(
        id="gain",
        title="Was the gain informative?",
        lead="How likely the policy finds the gold answer after a search: given the documents that "
        "were found (real), and given documents that other questions found (counterfactual). The "
        "distance between the two lines is the gain. Gold documents are in the order of the "
        "dataset, in which the last mostly holds the answer.",
        panels=tuple(_panels(measured)),
        tables=tuple(tables),
        absent=tuple(absent),
    )


def _panels(groups: Sequence[Group]) -> list[Panel]:
    found: dict[int, list[Curve]] = {}
    for group in groups:
        for each in position_curves(group):
            found.setdefault(each.position, []).extend(
                (
                    replace(each.real, label=f"{group.label}, real"),
                    replace(each.counterfactual, label=f"{group.label}, counterfactual"),
                )
            )
    return [
        curves_panel(
            f"gain-search-{position}",
            f"Log-probability of the gold answer, {_ORDINALS[position - 1]} search",
            "Nats per answer token, mean over searches.",
            curves,
            pairs=True,
        )
        for position, curves in found.items()
    ]


def _table(group: Group) -> Table:
    rows = []
    for position in (*range(1, POSITIONS + 1), None):
        for brought, words in _BROUGHT.items():
            values = by_brought(group, position, brought)  # type: ignore[arg-type]
            if len(values):
                rows.append((_place(position), words, *_cells(values)))
    head = ("search", "it brought", "searches", "mean gain", "gain > 0", "middle half of the gains")
    return Table(head=head, rows=tuple(rows))


def _cells(values: NDArray[np.float64]) -> tuple[str, ...]:
    low, high = np.quantile(values, [0.25, 0.75])
    positive = share(float((values > 0).mean()))
    between = f"{number(float(low))} to {number(float(high))}"
    return f"{len(values):,}", number(float(values.mean())), positive, between


def _place(position: int | None) -> str:
    return "all" if position is None else _ORDINALS[position - 1]
