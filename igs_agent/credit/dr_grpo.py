"""Dr. GRPO: the group's mean as baseline, no division by its spread (Liu et al. 2025, arXiv
2503.20783)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.groups import broadcast, centred


@dataclass(frozen=True, slots=True, kw_only=True)
class DrGRPO:
    """Â_i = R_i − mean R, on every policy token. Meant for `aggregation="constant"`.

    >>> from igs_agent.credit.example import table
    >>> DrGRPO()(table(outcome=[1.0, 0.0], group=[0, 0])).step[:, 0].tolist()
    [0.5, -0.5]
    """

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step; nothing extra on queries."""
        advantage = centred(table.outcome, table.group, table.outcome_valid)
        step = broadcast(advantage, table.valid)
        return Credit(step=step, query=torch.zeros_like(step))
