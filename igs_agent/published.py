"""Exact match of published methods on the field's seven question sets, to stand beside one's own.

Percent, Qwen2.5-3B, wiki-18 with E5, three documents per search, as collected in IG-Search (arXiv
2604.15148) and stated by each method's own paper. Seeds, prompts and evaluation code differ, and
one point is about one standard deviation over seeds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

SETS = ("nq", "triviaqa", "popqa", "hotpotqa", "2wikimultihopqa", "musique", "bamboogle")
"""In the field's order: single-hop, then multi-hop."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Published:
    """A method's figures."""

    average: float
    """As published, over all seven sets."""
    exact_match: Mapping[str, float] = field(default_factory=dict)
    """Set → percent; what its paper does not state is left out."""
    about: bool = False
    """Single figures are stated to about a tenth of a point."""
    caveat: str = ""


def _all(*values: float) -> dict[str, float]:
    return dict(zip(SETS, values, strict=True))


PUBLISHED: dict[str, Published] = {
    "RAG": Published(average=27.0, exact_match=_all(34.8, 54.4, 38.7, 25.5, 22.6, 4.7, 8.0)),
    "Search-R1 (PPO, instruct)": Published(
        average=32.5, exact_match=_all(34.1, 54.5, 37.8, 32.4, 31.9, 10.3, 26.4)
    ),
    "AutoRefine": Published(
        average=40.5, exact_match={"nq": 46.7, "2wikimultihopqa": 39.3, "musique": 15.7}
    ),
    "MR-Search": Published(
        average=41.4, exact_match=_all(47.7, 63.5, 46.0, 41.9, 40.1, 16.5, 34.4)
    ),
    "GiGPO": Published(
        average=42.1,
        exact_match=_all(42.0, 59.5, 42.4, 36.9, 37.0, 12.6, 64.1),
        caveat="Bamboogle is a mean of two batch means, of 124 questions and of one; over items "
        "it is 28.8, and the average 37.0",
    ),
    "Tree-GRPO": Published(
        average=42.5, exact_match=_all(46.8, 59.7, 43.6, 42.4, 43.7, 17.8, 43.2)
    ),
    "SD-Search": Published(average=42.8, caveat="five seeds, ± 0.8"),
    "IG-Search": Published(
        average=43.0,
        exact_match={
            "hotpotqa": 43.6,
            "2wikimultihopqa": 41.5,
            "musique": 17.9,
            "bamboogle": 42.4,
        },
        about=True,
    ),
}
"""Method → figures; base models but for the one that is named otherwise."""
