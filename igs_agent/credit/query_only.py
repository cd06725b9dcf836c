"""GRPO's advantage on query tokens only: where credit goes, without any signal. A control."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.groups import broadcast
from igs_agent.credit.grpo import grpo_advantage


@dataclass(frozen=True, slots=True, kw_only=True)
class QueryOnly:
    """Â_i of GRPO on the tokens of the rollout's queries, 0 on its other tokens.

    >>> from igs_agent.credit.example import table
    >>> credit = QueryOnly()(table(outcome=[1.0, 0.0], group=[0, 0]))
    >>> credit.step.tolist(), credit.query.round(decimals=3).tolist()
    ([[0.0], [0.0]], [[0.707], [-0.707]])
    """

    epsilon: float = 1e-6
    """See `GRPO`."""

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every query; nothing on the rest of a step."""
        advantage = grpo_advantage(table, self.epsilon)
        query = broadcast(advantage, table.valid & (table.query_length > 0))
        return Credit(step=torch.zeros_like(query), query=query)
