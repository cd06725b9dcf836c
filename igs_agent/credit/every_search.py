"""The same credit for every search, whatever it brought: a push, without any signal. A control."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.groups import broadcast
from igs_agent.credit.grpo import grpo_advantage
from igs_agent.credit.ig_search import on_queries


@dataclass(frozen=True, slots=True, kw_only=True)
class EverySearch:
    """GRPO's advantage, plus α / |Q_t| on the query of every search.

    `IGSearch` as if every gain were 1 nat. It measures nothing and costs nothing: what step-level
    credit owes to what it knows is what it does better than this. *Ours*; at temperature 1 it also
    ruined runs that went well without it (docs/credit-benchmark.md).

    >>> from igs_agent.credit.example import table
    >>> EverySearch()(table(outcome=[0, 0], group=[0, 0])).query.tolist()
    [[0.075], [0.075]]
    """

    alpha: float = 0.3
    """Weight, as in `IGSearch`."""
    epsilon: float = 1e-6
    """See `GRPO`."""

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step, and the same on every query."""
        step = broadcast(grpo_advantage(table, self.epsilon), table.valid)
        return Credit(
            step=step, query=on_queries(torch.full_like(step, self.alpha), table.valid, table)
        )
