"""RLOO: the mean of the *other* rollouts as baseline (Ahmadian et al. 2024, arXiv 2402.14740)."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.groups import broadcast, centred, group_mean


@dataclass(frozen=True, slots=True, kw_only=True)
class RLOO:
    """Â_i = R_i − mean_{j≠i} R_j = G/(G−1) · (R_i − mean R), on every policy token.

    >>> from igs_agent.credit.example import table
    >>> RLOO()(table(outcome=[1.0, 0.0, 0.0], group=[0, 0, 0])).step[:, 0].tolist()
    [1.0, -0.5, -0.5]
    """

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step; nothing extra on queries. 0 for a group of one."""
        _, count = group_mean(table.outcome, table.group, table.outcome_valid)
        scale = count / (count - 1).clamp(min=1)
        advantage = scale * centred(table.outcome, table.group, table.outcome_valid)
        step = broadcast(advantage, table.valid)
        return Credit(step=step, query=torch.zeros_like(step))
