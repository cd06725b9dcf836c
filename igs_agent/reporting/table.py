"""A table of texts, as the page shows it and as a figure's text alternative."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from igs_agent.reporting.curves import Curve, Point
from igs_agent.reporting.shown import number


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """Rows of cells below a head; the first cell of a row names it."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def curve_table(curves: Sequence[Curve], first: str = "updates") -> Table:
    """One row per number of updates, one column per curve."""
    columns = [{point.x: _cell(point) for point in curve.points} for curve in curves]
    order = sorted({x for column in columns for x in column})
    return Table(
        head=(first, *(curve.label for curve in curves)),
        rows=tuple((f"{x:g}", *(column.get(x, "—") for column in columns)) for x in order),
    )


def curve_words(curves: Sequence[Curve]) -> str:
    """From where to where each curve goes, for who cannot see it."""
    return " ".join(
        f"{curve.label}: from {number(curve.points[0].mean)} at {curve.points[0].x:g} to "
        f"{number(curve.points[-1].mean)} at {curve.points[-1].x:g} updates"
        f"{f' ({curve.band})' if curve.band else ''}."
        for curve in curves
    )


def _cell(point: Point) -> str:
    if point.low is None:
        return number(point.mean)
    return f"{number(point.mean)} [{number(point.low)}, {number(point.high)}]"
