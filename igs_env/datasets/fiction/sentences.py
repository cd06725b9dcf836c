"""Sentences of a made-up world that state no relation."""

from __future__ import annotations

MENTIONS = (
    "{s} was once mentioned beside {o} in a newspaper.",
    "A letter names {s} and {o} in the same line.",
    "{s} is sometimes confused with {o} by travellers.",
    "There is an old quarrel about {s} and {o}.",
)
"""Sentences that link two entities and state no relation."""

FILLERS = (
    "Little else is known with certainty.",
    "The archives burned down and were never restored.",
    "Several accounts differ on the details.",
    "A small museum keeps the remaining papers.",
    "Historians still argue about the circumstances.",
    "The local press reported on it at length.",
    "Some of the letters have been lost since.",
    "An exhibition on the subject drew large crowds.",
    "The matter was discussed again many decades later.",
    "Photographs of the period are rare and faded.",
    "A second edition of the records corrected a few errors.",
    "Old people in the region still tell the story.",
)
"""Sentences that say nothing, to reach a length."""
