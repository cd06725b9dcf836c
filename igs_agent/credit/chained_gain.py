"""Chained gain: a bridging search inherits the credit of the search that it made possible."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Float
from torch import Tensor

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.groups import broadcast
from igs_agent.credit.grpo import grpo_advantage
from igs_agent.credit.ig_search import dead_zone, on_queries, shrink_negatives


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainedGain:
    """GRPO's advantage, plus α · c_t / |Q_t| on the tokens of the t-th query. *Ours*, a pilot.

    c_t = g_t + clip(q_t, 0, 1) · max(c_{t+1}, 0), backwards from the last step, with g_t the
    stabilised gain (dead zone, shrunk negatives, capped) and q_t the transfer, how much step t's
    documents raise the log-probability of the next query (`igs_agent.transfer`). Known dangers:
    q_t's expectation is not below 0 even for useless documents, and copying their words raises it.

    >>> from igs_agent.credit.example import table
    >>> steps = table(outcome=[0], group=[0], gain=[[0.0, 2.0]], transfer=[[0.5, None]])
    >>> ChainedGain(alpha=1.0, per_token=False)(steps).query.tolist()
    [[1.0, 2.0]]
    """

    signals: ClassVar[tuple[str, ...]] = ("gain", "transfer")

    alpha: float = 0.3
    """Weight, as in `IGSearch`."""
    dead_zone: float = 0.5
    """δ, nats per answer token."""
    negative_factor: float = 0.1
    """λ."""
    cap: float = 3.0
    """Greatest size of a gain, nats per answer token."""
    per_token: bool = True
    """Divide by |Q_t|, as in `IGSearch`."""
    epsilon: float = 1e-6
    """See `GRPO`."""

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step, and the chain's part on its query."""
        step = broadcast(grpo_advantage(table, self.epsilon), table.valid)
        added = self.alpha * self.chained(table)
        return Credit(
            step=step, query=on_queries(added, table.signal("gain").valid, table, self.per_token)
        )

    def chained(self, table: StepTable) -> Float[Tensor, "R S"]:
        """c_t of every step; a transfer that was not measured passes nothing on."""
        gain, transfer = table.signal("gain"), table.signal("transfer")
        own = shrink_negatives(dead_zone(gain.values, self.dead_zone), self.negative_factor)
        own = torch.where(gain.valid, own.clamp(-self.cap, self.cap), torch.zeros_like(own))
        passed = torch.where(transfer.valid, transfer.values.clamp(0, 1), torch.zeros_like(own))
        chained = own.clone()
        for place in range(own.shape[1] - 2, -1, -1):
            chained[:, place] += passed[:, place] * chained[:, place + 1].clamp(min=0)
        return chained
