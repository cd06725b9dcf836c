"""The page: one file, nothing fetched, nothing run, every recorded text escaped."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files

from igs_agent.reporting.claim import Claim
from igs_agent.reporting.palette import variables
from igs_agent.reporting.section import Section
from igs_agent.reporting.shown import number, shown

_PARTS = files("igs_agent") / "data" / "report"


def render(
    title: str,
    subtitle: str,
    claims: Sequence[Claim],
    sections: Sequence[Section],
    missing: Sequence[str],
) -> str:
    """The page as HTML.

    Args:
        title: of the report.
        subtitle: what was trained on what.
        claims: stand first.
        sections: in their order.
        missing: what is not on record, as sentences.
    """
    from jinja2 import Environment, StrictUndefined
    from markupsafe import Markup

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["shown"] = shown
    environment.filters["number"] = number
    style = (_PARTS / "style.css").read_text(encoding="utf-8")
    template = environment.from_string((_PARTS / "page.html").read_text(encoding="utf-8"))
    return template.render(
        title=title,
        subtitle=subtitle,
        claims=claims,
        sections=sections,
        missing=missing,
        # Ours, not a run's: the style sheet, and drawings whose texts were escaped when made.
        style=Markup(style.replace("/*variables*/", variables())),
        drawn={
            panel.name: Markup(panel.inline) for section in sections for panel in section.panels
        },
    )
