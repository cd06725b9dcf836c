"""GRPO: outcome advantage relative to the group (Shao et al. 2024, arXiv 2402.03300, eq. 21)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.groups import broadcast, centred, sample_std


def grpo_advantage(table: StepTable, epsilon: float = 1e-6) -> Float[Tensor, " R"]:
    """Â_i = (R_i − mean R) / (std R + ε), unbiased std over the group's valid rollouts.

    0 for a constant group, a group that masking shrank to one, and an invalid rollout.
    """
    args = (table.outcome, table.group, table.outcome_valid)
    return centred(*args) / (sample_std(*args) + epsilon)


@dataclass(frozen=True, slots=True, kw_only=True)
class GRPO:
    """Trajectory-level credit: the same advantage on every policy token of a rollout.

    Differs: verl gives a group of one mean 0 and std 1, so that it trains on the raw reward;
    here it has nothing to be compared with and gets 0.

    >>> from igs_agent.credit.example import table
    >>> GRPO()(table(outcome=[1.0, 0.0], group=[0, 0])).step[:, 0].round(decimals=3).tolist()
    [0.707, -0.707]
    """

    epsilon: float = 1e-6
    """verl, `compute_grpo_outcome_advantage`: 1e-6."""

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step; nothing extra on queries."""
        step = broadcast(grpo_advantage(table, self.epsilon), table.valid)
        return Credit(step=step, query=torch.zeros_like(step))
