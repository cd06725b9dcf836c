"""Figures as SVG: the same bytes for the same numbers, with words for who cannot see them."""

from __future__ import annotations

import io
import re
import warnings
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from igs_agent.reporting.palette import INK, LINE, MUTED, PANEL, VARIABLES
from igs_agent.reporting.table import Table

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Draw = Callable[["Axes"], None]

WIDTH, HEIGHT = 4.4, 2.5
"""Inches of 72 points. So wide that text can still be read where a phone shows it."""
_LEGEND_LINE = 0.2
_SVG, _LINK = "http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # a label is a text, whatever it holds
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.linewidth": 0.8,
    "grid.color": LINE,
    "grid.linewidth": 0.7,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "text.color": INK,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "hatch.linewidth": 0.6,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Panel:
    """A figure with its words and its numbers."""

    name: str
    """Of its file, unique on a page."""
    title: str
    note: str
    """What it shows and how it was made, in a line."""
    words: str
    """What there is to see."""
    svg: str
    """In the light colours, a file of its own."""
    table: Table

    @property
    def inline(self) -> str:
        """The SVG within a page, in the page's colours."""
        return re.sub(
            "|".join(VARIABLES), lambda found: f"var({VARIABLES[found[0].lower()]})", self.svg
        )


def panel(
    name: str,
    title: str,
    note: str,
    words: str,
    table: Table,
    draw: Draw,
    *,
    height: float = HEIGHT,
    legend: int = 0,
) -> Panel:
    """The panel with what `draw` puts on its axes: `height` inches and so many lines of legend."""
    import matplotlib
    from matplotlib.figure import Figure

    with matplotlib.rc_context({**_STYLE, "svg.hashsalt": name}), warnings.catch_warnings():
        # Only the measure of a text is taken from this font; who reads it has others.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        whole = height + _LEGEND_LINE * legend
        figure = Figure(figsize=(WIDTH, whole), facecolor="none")
        above = 0.1 + _LEGEND_LINE * legend
        axes = figure.add_axes((0.13, 0.5 / whole, 0.84, 1 - (0.5 + above) / whole))
        axes.set_facecolor("none")
        draw(axes)
        file = io.StringIO()
        figure.savefig(file, format="svg", metadata={"Date": None}, transparent=True)
    svg = _accessible(file.getvalue(), name, title, words)
    return Panel(name=name, title=title, note=note, words=words, svg=svg, table=table)


def standalone(found: Panel) -> str:
    """The figure as a file, on the ground that its colours are for."""
    begin = found.svg.index(">") + 1
    ground = f'<rect width="100%" height="100%" style="fill: {PANEL}"/>'
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n{found.svg[:begin]}{ground}{found.svg[begin:]}\n'
    )


def _accessible(svg: str, name: str, title: str, words: str) -> str:
    """The drawing with a title and a description, and no name that another figure has too."""
    ElementTree.register_namespace("", _SVG)
    ElementTree.register_namespace("xlink", _LINK)
    root = ElementTree.fromstring(svg)
    for metadata in root.findall(f"{{{_SVG}}}metadata"):
        root.remove(metadata)
    for key in ("width", "height", "version"):
        root.attrib.pop(key, None)
    root.set("role", "img")
    root.set("aria-labelledby", f"{name}-title {name}-words")
    for at, (tag, id, text) in enumerate(
        (("title", f"{name}-title", title), ("desc", f"{name}-words", words))
    ):
        element = ElementTree.Element(f"{{{_SVG}}}{tag}", {"id": id})
        element.text = text
        root.insert(at, element)
    _rename(root, name)
    return ElementTree.tostring(root, encoding="unicode").strip()


def _rename(root: ElementTree.Element, name: str) -> None:
    """Names that something refers to begin with the figure's; others go."""
    own = {f"{name}-title", f"{name}-words"}
    used = set(
        re.findall(r"(?:url\(#|href=\"#)([\w-]+)", ElementTree.tostring(root, encoding="unicode"))
    )
    for element in root.iter():
        id = element.get("id")
        if id is not None and id not in own:
            if id in used:
                element.set("id", f"{name}-{id}")
            else:
                del element.attrib["id"]
        for key, value in element.attrib.items():
            if key == f"{{{_LINK}}}href" and value.startswith("#"):
                element.set(key, f"#{name}-{value[1:]}")
            elif "url(#" in value:
                element.set(key, value.replace("url(#", f"url(#{name}-"))
