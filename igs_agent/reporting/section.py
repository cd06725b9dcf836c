"""A part of the page: a question that a reader has, and what answers it."""

from __future__ import annotations

from dataclasses import dataclass, field

from igs_agent.reporting.episodes import Attempt
from igs_agent.reporting.figure import Panel
from igs_agent.reporting.table import Table


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """An episode that ended in a certain way."""

    group: str
    run: str
    """Path of its folder."""
    link: str
    """What the inspector's address ends with to show it."""
    attempt: Attempt
    meaning: str
    """Of its outcome."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One part of the page; whatever is empty is not shown."""

    id: str
    title: str
    lead: str = ""
    """How to read it."""
    panels: tuple[Panel, ...] = ()
    tables: tuple[tuple[str, Table], ...] = ()
    """(caption, table)."""
    folded: tuple[tuple[str, Table], ...] = ()
    """Likewise, for who asks."""
    examples: tuple[Example, ...] = ()
    absent: tuple[str, ...] = field(default=())
    """What would stand here and does not, and why."""
