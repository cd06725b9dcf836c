"""MR-Search: attempts of one context, each credited with its own and the later ones' successes
(arXiv 2603.11327)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.groups import broadcast, centred, group_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class MRSearch:
    """A_{i,n} = r_{i,n} − mean_{j≠i} r_{j,n} + γ·A_{i,n+1}, on every policy token of attempt n.

    Attempt n of a rollout is compared with attempt n of the question's other rollouts, and what
    came of it later is added. Its rollout scheme is `rollout.attempts`: an attempt reads those
    before it. With one attempt this is `RLOO`. An attempt that does not count gets nothing, and
    what came after it still reaches the attempts before.

    >>> from igs_agent.credit.example import table
    >>> rows = {"attempt": [0, 1, 0, 1], "parent": [-1, 0, -1, 2]}
    >>> MRSearch()(table(outcome=[0, 1, 0, 0], group=[0] * 4, **rows)).step[:, 0].tolist()
    [1.0, 1.0, -1.0, -1.0]
    """

    discount: float = 1.0
    """γ per attempt (MR-Search's code: 1)."""

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step; nothing extra on queries."""
        total = self.relative(table)
        for number in range(int(table.attempt.max()), 0, -1):
            rows = (table.attempt == number) & (table.parent >= 0)
            total = total.index_add(0, table.parent[rows], self.discount * total[rows])
        step = broadcast(total, table.counted)
        return Credit(step=step, query=torch.zeros_like(step))

    def relative(self, table: StepTable) -> Float[Tensor, " R"]:
        """r_{i,n} − mean_{j≠i} r_{j,n}; 0 where nothing is to be compared with."""
        pairs = torch.stack([table.group, table.attempt])
        _, peers = torch.unique(pairs, dim=1, return_inverse=True)
        arguments = (table.outcome, peers, table.outcome_valid)
        _, count = group_mean(*arguments)
        return count / (count - 1).clamp(min=1) * centred(*arguments)
