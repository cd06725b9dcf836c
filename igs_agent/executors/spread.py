"""Work that is shared out over the ranks, and its results put together again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from igs_agent.executors.contract import Executor

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(
    executor: Executor,
    items: Sequence[Item],
    work: Callable[[Sequence[Item]], Sequence[Result]],
) -> list[Result]:
    """One result per item, in order, on every rank; rank r works on items r, r + ranks, …

    >>> from igs_agent.executors.local import LOCAL
    >>> spread(LOCAL, [1, 2, 3], lambda items: [item * item for item in items])
    [1, 4, 9]
    """
    mine = items[executor.rank :: executor.ranks]
    parts = executor.gather(list(work(mine)) if mine else [])
    return [parts[place % executor.ranks][place // executor.ranks] for place in range(len(items))]
