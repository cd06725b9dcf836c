"""What is drawn: curves with bands, bars in parts, differences with intervals."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from igs_agent.reporting.curves import Curve
from igs_agent.reporting.figure import Panel, panel
from igs_agent.reporting.palette import INK, MUTED, PANEL, style
from igs_agent.reporting.shown import interval, number, share
from igs_agent.reporting.table import Table, curve_table, curve_words
from igs_agent.statistics import Interval

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_MANY = 40
"""Points of a curve above which they get no marks."""


def curves_panel(
    name: str,
    title: str,
    note: str,
    curves: Sequence[Curve],
    *,
    floor: float | None = None,
    pairs: bool = False,
) -> Panel:
    """Curves over updates.

    Args:
        name: of the file.
        title: with the unit.
        note: how it was made.
        curves: one per group.
        floor: where the axis begins; None leaves that to the numbers.
        pairs: every second curve belongs to the group of the one before it, and is drawn open and
            dashed in its colour.
    """

    def draw(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        for at, curve in enumerate(curves):
            _line(axes, curve, open=pairs and at % 2 == 1)
        if floor is not None:
            top = max((p.high or p.mean for c in curves for p in c.points), default=1.0)
            axes.set_ylim(floor, max(top * 1.08, floor + 1e-6))
        axes.set_xlabel("updates", labelpad=2)
        axes.xaxis.set_major_locator(MaxNLocator(6, integer=True))
        _legend(axes, columns)

    labels = [curve.label for curve in curves] if len(curves) > 1 else []
    columns, lines = _legend_shape(labels)
    words, table = curve_words(curves), curve_table(curves)
    return panel(name, title, note, words, table, draw, legend=lines)


def parts_panel(
    name: str,
    title: str,
    note: str,
    bars: Mapping[str, Mapping[str, float]],
    *,
    unit: str,
    order: Sequence[str],
) -> Panel:
    """One bar per label, cut into its parts.

    Args:
        name: of the file.
        title: what the bars are.
        note: how it was made.
        bars: label → part → size.
        unit: of the sizes.
        order: of the parts, each with its own colour and pattern; others come behind.
    """
    known = dict.fromkeys([*order, *(part for bar in bars.values() for part in bar)])
    styles = {part: style(at) for at, part in enumerate(known)}
    parts = [part for part in known if any(part in bar for bar in bars.values())]
    table = Table(
        head=("", *parts, "together"),
        rows=tuple(
            (label, *(_part(bar, part) for part in parts), number(sum(bar.values())))
            for label, bar in bars.items()
        ),
    )
    words = " ".join(
        f"{label}: {', '.join(f'{part} {_part(bar, part)}' for part in parts)}."
        for label, bar in bars.items()
    )

    def draw(axes: Axes) -> None:
        from matplotlib.ticker import MaxNLocator

        labels = list(bars)
        for at, part in enumerate(parts):
            left = [sum(bar.get(p, 0.0) for p in parts[:at]) for bar in bars.values()]
            drawn = styles[part]
            axes.barh(
                range(len(labels)),
                [bar.get(part, 0.0) for bar in bars.values()],
                left=left,
                height=0.45,
                label=part,
                color=drawn.colour,
                edgecolor=PANEL,
                hatch=drawn.hatch,
                linewidth=0.8,
            )
        for at, label in enumerate(labels):
            axes.text(0, at - 0.3, label, ha="left", va="bottom", color=INK)
        axes.set_yticks([])
        axes.set_ylim(len(labels) - 0.6, -0.75)
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel(unit, labelpad=2)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.xaxis.set_major_formatter(lambda value, _: _tick(value))
        _legend(axes, columns)

    columns, lines = _legend_shape(parts)
    height = 0.75 + 0.55 * len(bars)
    return panel(name, title, note, words, table, draw, height=height, legend=lines)


def differences_panel(
    name: str,
    title: str,
    note: str,
    differences: Mapping[str, tuple[Interval | None, Interval | None]],
) -> Panel:
    """Differences with their intervals by seed and by question.

    Args:
        name: of the file.
        title: of what.
        note: how it was made.
        differences: label → (by seed, by question).
    """
    kinds = ("over seeds", "over questions")
    table = Table(
        head=("", *kinds),
        rows=tuple(
            (label, *(interval(each, sign=True) for each in found))
            for label, found in differences.items()
        ),
    )
    words = " ".join(
        f"{label}: "
        + "; ".join(
            f"{interval(each, sign=True)} {kind}"
            for kind, each in zip(kinds, found, strict=True)
            if each is not None
        )
        + "."
        for label, found in differences.items()
    )

    def draw(axes: Axes) -> None:
        for at, (label, found) in enumerate(differences.items()):
            axes.text(
                0.0, at - 0.22, label, ha="left", va="bottom", color=INK,
                transform=axes.get_yaxis_transform(),
                bbox={"facecolor": PANEL, "edgecolor": "none", "pad": 1.0},
            )  # fmt: skip
            for kind, each in enumerate(found):
                if each is not None:
                    _whisker(axes, at + 0.26 * kind, each, kind, kinds[kind] if at == 0 else None)
        axes.axvline(0, color=MUTED, linewidth=1)
        axes.set_yticks([])
        axes.set_ylim(len(differences) - 0.4, -0.65)
        axes.grid(axis="y", visible=False)
        axes.spines["left"].set_visible(False)
        axes.set_xlabel("difference, 95 % interval", labelpad=2)
        _legend(axes, 2)

    height = 0.85 + 0.55 * len(differences)
    return panel(name, title, note, words, table, draw, height=height, legend=1)


def _line(axes: Axes, curve: Curve, *, open: bool) -> None:
    drawn = style(curve.series)
    x = [point.x for point in curve.points]
    axes.plot(
        x,
        [point.mean for point in curve.points],
        label=curve.label,
        color=drawn.colour,
        linestyle=(0, (4, 2)) if open else drawn.dash,
        linewidth=1.6,
        marker=drawn.marker if len(x) <= _MANY else "",
        markersize=3.6,
        markerfacecolor=PANEL if open else drawn.colour,
    )
    low = [point.mean if point.low is None else point.low for point in curve.points]
    high = [point.mean if point.high is None else point.high for point in curve.points]
    if any(point.low is not None for point in curve.points):
        axes.fill_between(x, low, high, color=drawn.colour, alpha=0.16, linewidth=0)


def _whisker(axes: Axes, y: float, found: Interval, kind: int, label: str | None) -> None:
    drawn = style(kind)
    axes.errorbar(
        [found.mean],
        [y],
        xerr=[[found.mean - found.low], [found.high - found.mean]],
        fmt=drawn.marker,
        color=drawn.colour,
        markersize=5,
        capsize=3,
        linewidth=1.6,
        label=label,
    )


def _legend_shape(labels: Sequence[str]) -> tuple[int, int]:
    """(columns, lines) in which the labels fit above the axes; (0, 0) without any."""
    if not labels:
        return 0, 0
    columns = next((n for n in (3, 2) if max(map(len, labels)) <= 54 / n - 6), 1)
    return columns, -(-len(labels) // columns)


def _legend(axes: Axes, columns: int) -> None:
    """Above the axes, so that it hides nothing."""
    if columns:
        axes.legend(
            loc="lower left",
            bbox_to_anchor=(-0.02, 1.0),
            ncols=columns,
            borderpad=0,
            borderaxespad=0.3,
            labelspacing=0.25,
            handlelength=2.2,
            columnspacing=1.2,
        )


def _tick(value: float) -> str:
    return f"{value:g}" if value < 10_000 else f"{value / 1000:g}k"


def _part(bar: Mapping[str, float], part: str) -> str:
    whole = sum(bar.values())
    if part not in bar:
        return "—"
    return f"{number(bar[part])} ({share(bar[part] / whole if whole else None)})"
