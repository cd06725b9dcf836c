"""Colours that colour-blind readers tell apart (Okabe & Ito 2008), and never alone.

Every series has a line style and a marker of its own as well. Figures are drawn in the light
colours; a page replaces each by a variable that is another colour on a dark ground.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """How a series is drawn."""

    colour: str
    dash: str | tuple[float, tuple[float, ...]]
    marker: str
    hatch: str = ""


INK, MUTED, LINE, PANEL = "#191c20", "#59616c", "#dfe2e7", "#ffffff"

_SERIES = (
    ("#0072b2", "#5ab4e8"),
    ("#d55e00", "#ff9a52"),
    ("#009e73", "#3fcf9f"),
    ("#cc79a7", "#e8a5cb"),
    ("#e69f00", "#f5bf45"),
    ("#56b4e9", "#a5d8f6"),
)
"""(on light ground, on dark ground)."""
_DASHES: tuple[str | tuple[float, tuple[float, ...]], ...] = (
    "-",
    (0, (5, 2)),
    (0, (1.5, 1.5)),
    (0, (6, 2, 1.5, 2)),
    (0, (9, 3)),
    (0, (3, 1, 1, 1, 1, 1)),
)
_MARKERS = ("o", "s", "^", "D", "v", "P")
_HATCHES = ("", "///", "\\\\\\", "xx", "--", "||", "++", "/")

DARK = {
    INK: "#e9ebee",
    MUTED: "#9aa3af",
    LINE: "#2c3138",
    PANEL: "#16191d",
    **dict(_SERIES),
}
"""Colour on light ground → the same on dark ground."""
VARIABLES = {
    INK: "--ink",
    MUTED: "--muted",
    LINE: "--line",
    PANEL: "--panel",
    **{light: f"--series-{at}" for at, (light, _) in enumerate(_SERIES)},
}
"""Colour in a figure → the page's variable for it."""


def style(at: int) -> Style:
    """Of the series of that number; after six, colours come again with other line styles."""
    turn = at + at // len(_SERIES)
    return Style(
        colour=_SERIES[at % len(_SERIES)][0],
        dash=_DASHES[turn % len(_DASHES)],
        marker=_MARKERS[turn % len(_MARKERS)],
        hatch=_HATCHES[at % len(_HATCHES)],
    )


def variables() -> str:
    """The page's colours as CSS, each in its light and its dark form."""
    return "\n".join(
        f"  {name}: light-dark({light}, {DARK[light]});" for light, name in VARIABLES.items()
    )
