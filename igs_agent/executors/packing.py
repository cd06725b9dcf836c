"""Rows of a batch over ranks, with about equally many tokens each."""

from __future__ import annotations

from collections.abc import Sequence


def balanced(tokens: Sequence[int], ranks: int) -> list[list[int]]:
    """Rows in `ranks` runs whose tokens are as equal as whole rows allow.

    Rows stay in order, so that those of a group, which share their prompt, stay together. A row
    goes to the rank in whose part of all the tokens its middle lies: no rank has more than its
    part and one row.

    >>> balanced([5, 1, 1, 1, 4], 2)
    [[0, 1], [2, 3, 4]]
    >>> balanced([3], 2)
    [[], [0]]
    """
    parts: list[list[int]] = [[] for _ in range(ranks)]
    total, before = max(1, sum(tokens)), 0
    for row, count in enumerate(tokens):
        parts[min(ranks - 1, (2 * before + count) * ranks // (2 * total))].append(row)
        before += count
    return parts
