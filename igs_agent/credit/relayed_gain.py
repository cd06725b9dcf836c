"""Relayed gain: a bridging search is credited with the good searches it makes likely."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.groups import broadcast
from igs_agent.credit.grpo import grpo_advantage
from igs_agent.credit.ig_search import dead_zone, on_queries, shrink_negatives


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayedGain:
    """GRPO's advantage, plus α · (g_t + relay_t) / |Q_t| on the tokens of the t-th query. *Ours*.

    g_t is the stabilised gain (dead zone, shrunk negatives, capped) and relay_t what the search
    makes possible for the question's other rollouts (`igs_agent.relay`), together at most the cap.

    >>> from igs_agent.credit.example import table
    >>> steps = table(outcome=[0], group=[0], gain=[[0.0, 2.0]], relay=[[1.5, 0.0]])
    >>> RelayedGain(alpha=1.0, per_token=False)(steps).query.tolist()
    [[1.5, 2.0]]
    """

    signals: ClassVar[tuple[str, ...]] = ("gain", "relay")

    alpha: float = 0.3
    """Weight, as in `IGSearch`."""
    dead_zone: float = 0.5
    """δ, nats per answer token."""
    negative_factor: float = 0.1
    """λ."""
    cap: float = 2.0
    """Greatest credit of a search, nats per answer token."""
    per_token: bool = True
    """Divide by |Q_t|, as in `IGSearch`."""
    epsilon: float = 1e-6
    """See `GRPO`."""

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step, and the relay's part on its query."""
        gain, relay = table.signal("gain"), table.signal("relay")
        own = shrink_negatives(dead_zone(gain.values, self.dead_zone), self.negative_factor)
        passed = torch.where(relay.valid, relay.values, torch.zeros_like(own))
        added = self.alpha * (own + passed).clamp(-self.cap, self.cap)
        return Credit(
            step=broadcast(grpo_advantage(table, self.epsilon), table.valid),
            query=on_queries(added, gain.valid, table, self.per_token),
        )
