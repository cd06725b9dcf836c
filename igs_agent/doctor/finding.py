"""One part of a configuration, and whether it is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

State = Literal["ok", "note", "missing"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What was found of one part."""

    part: str
    """`model`, `corpus`, `retriever`, …"""
    state: State
    """`missing`: nothing can start before it is mended. `note`: worth knowing, stops nothing."""
    found: str
    """What there is, or what is wrong."""
    remedy: str = ""
    """What to do, a command where there is one."""


def ok(part: str, found: str) -> Finding:
    """A part that is there."""
    return Finding(part=part, state="ok", found=found)


def note(part: str, found: str, remedy: str = "") -> Finding:
    """Something that stops nothing."""
    return Finding(part=part, state="note", found=found, remedy=remedy)


def missing(part: str, found: str, remedy: str) -> Finding:
    """A part without which nothing can start."""
    return Finding(part=part, state="missing", found=found, remedy=remedy)
