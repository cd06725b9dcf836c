"""The list of episodes as columns, page by page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from igs_agent.inspector.filters import filter_bits
from igs_agent.inspector.summary import Summary

COLUMNS = (
    "id",
    "group",
    "update",
    "question",
    "answers",
    "answer",
    "queries",
    "documents",
    "reward",
    "exact_match",
    "f1",
    "gain",
    "searches",
    "credit",
)
"""Fields of `Summary` that the page lists, filters, sorts or searches by."""


def index_page(summaries: Sequence[Summary], since: int, count: int) -> dict[str, Any]:
    """Columns of some `count` episodes from `since` on, in whole groups.

    The page may start before `since`: a group that has grown is told again, since what holds of
    its rollouts depends on all of them.

    Returns:
        `start`, the number of the first episode that is told, and `columns`: name → one value per
        episode, `bits` being those of `filters.filter_bits`.
    """
    start = _group_start(summaries, since) if since < len(summaries) else since
    stop = start
    columns: dict[str, list[Any]] = {name: [] for name in (*COLUMNS, "bits")}
    while stop < len(summaries) and stop - since < count:
        end = _group_end(summaries, stop)
        group = summaries[stop:end]
        for name in COLUMNS:
            columns[name] += [getattr(episode, name) for episode in group]
        columns["bits"] += [filter_bits(episode, group) for episode in group]
        stop = end
    return {"start": start, "columns": columns}


def _group_start(summaries: Sequence[Summary], index: int) -> int:
    while index > 0 and _key(summaries[index - 1]) == _key(summaries[index]):
        index -= 1
    return index


def _group_end(summaries: Sequence[Summary], index: int) -> int:
    end = index + 1
    while end < len(summaries) and _key(summaries[end]) == _key(summaries[index]):
        end += 1
    return end


def _key(summary: Summary) -> tuple[int, str]:
    return summary.update, summary.group
