"""IG-Search: each search's information gain on the tokens of its query (arXiv 2604.15148, §4)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.groups import broadcast, is_constant
from igs_agent.credit.grpo import grpo_advantage


def dead_zone(gain: Float[Tensor, "*n"], threshold: float) -> Float[Tensor, "*n"]:
    """0 where |gain| < threshold: too small to tell from the noise of the draws."""
    return torch.where(gain.abs() < threshold, torch.zeros_like(gain), gain)


def shrink_negatives(gain: Float[Tensor, "*n"], factor: float) -> Float[Tensor, "*n"]:
    """Negative gains × factor, so that a policy is not driven to stop searching."""
    return torch.where(gain < 0, factor * gain, gain)


def log_clip(gain: Float[Tensor, "*n"], limit: float) -> Float[Tensor, "*n"]:
    """sign(x)·(η + log(1 + |x| − η)) beyond η: continuous with its slope, unbounded, slow."""
    size = gain.abs()
    beyond = gain.sign() * (limit + torch.log1p((size - limit).clamp(min=0)))
    return torch.where(size > limit, beyond, gain)


def tanh_clip(gain: Float[Tensor, "*n"], limit: float) -> Float[Tensor, "*n"]:
    """η·tanh(x/η): bounded by η."""
    return limit * torch.tanh(gain / limit)


def hard_clip(gain: Float[Tensor, "*n"], limit: float) -> Float[Tensor, "*n"]:
    """x clipped to [−η, η]."""
    return gain.clamp(-limit, limit)


CLIPS: dict[str, Callable[[Tensor, float], Tensor]] = {
    "log": log_clip,
    "tanh": tanh_clip,
    "hard": hard_clip,
}
"""The paper clips extremes softly and does not publish how: *ours* is `log`."""


def on_queries(
    added: Float[Tensor, "R S"],
    measured: Bool[Tensor, "R S"],
    table: StepTable,
    per_token: bool = True,
) -> Float[Tensor, "R S"]:
    """What is added on a search's query: `added` / |Q_t| where it was measured, else 0.

    Nothing on a rollout that does not count.
    """
    if per_token:
        added = added / table.query_length.clamp(min=1)
    where = measured & (table.query_length > 0) & table.outcome_valid[:, None]
    return torch.where(where, added, torch.zeros_like(added))


def with_signal_on_queries(
    table: StepTable,
    name: str,
    alpha: float,
    *,
    per_token: bool,
    epsilon: float,
    negative_factor: float = 1.0,
) -> Credit:
    """GRPO's credit, plus α times a signal on the queries; the form of `IGSearch` for others."""
    signal = table.signal(name)
    step = broadcast(grpo_advantage(table, epsilon), table.valid)
    added = alpha * shrink_negatives(signal.values, negative_factor)
    return Credit(step=step, query=on_queries(added, signal.valid, table, per_token))


@dataclass(frozen=True, slots=True, kw_only=True)
class IGSearch:
    """GRPO's advantage, plus α · IG~_t / |Q_t| on the tokens of the t-th query (eq. 4).

    Additive, so that it survives Â_i = 0: a group in which all rollouts fail alike still has a
    gradient. A gain that was not measured adds nothing. The gain is not centred.

    >>> from igs_agent.credit.example import table
    >>> credit = IGSearch()(table(outcome=[0, 0], group=[0, 0], gain=[[1.0], [None]]))
    >>> credit.query.tolist() == [[0.3 * 1.0 / 4], [0.0]]
    True
    """

    signals: ClassVar[tuple[str, ...]] = ("gain",)

    alpha: float = 0.3
    """Weight of the gain (IG-Search: 0.3)."""
    dead_zone: float = 0.1
    """δ, nats per answer token. *Ours*: the paper's value is not public."""
    negative_factor: float = 0.1
    """λ < 1. *Ours*: the paper's value is not public."""
    clip_at: float = 2.0
    """η, nats per answer token. *Ours*: the paper's value is not public."""
    clip: str = "log"
    """Key of `CLIPS`. *Ours*."""
    per_token: bool = True
    """Divide by |Q_t| (eq. 4). Not neutral: it optimises gain per query token."""
    epsilon: float = 1e-6
    """See `GRPO`."""

    def __post_init__(self) -> None:
        """Refuse a clip that does not exist and values without meaning."""
        if self.clip not in CLIPS:
            raise ValueError(f"no clip {self.clip!r}; choose from: {', '.join(sorted(CLIPS))}")
        if self.dead_zone < 0 or self.clip_at <= 0 or not 0 <= self.negative_factor <= 1:
            raise ValueError("needs dead_zone ≥ 0, clip_at > 0 and 0 ≤ negative_factor ≤ 1")

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step, and the gain's part on its query."""
        step = broadcast(grpo_advantage(table, self.epsilon), table.valid)
        return Credit(step=step, query=self.modulation(table))

    def stabilised(self, gain: Float[Tensor, "*n"]) -> Float[Tensor, "*n"]:
        """Dead zone, then shrunk negatives, then the clip, in this order."""
        kept = shrink_negatives(dead_zone(gain, self.dead_zone), self.negative_factor)
        return CLIPS[self.clip](kept, self.clip_at)

    def modulation(self, table: StepTable) -> Float[Tensor, "R S"]:
        """α · IG~_t / |Q_t| where a gain was measured on a rollout that counts, else 0."""
        signal = table.signal("gain")
        added = self.alpha * self.stabilised(signal.values)
        return on_queries(added, signal.valid, table, self.per_token)

    def diagnostics(self, table: StepTable) -> dict[str, float]:
        """Shares of measured steps that each stage touches, and what the claim rests on."""
        signal = table.signal("gain")
        gain = signal.values[signal.valid]
        lengths = table.query_length[table.query_length > 0].double()
        kept = dead_zone(gain, self.dead_zone)
        shrunk = shrink_negatives(kept, self.negative_factor)
        return {
            "gain/mean": _mean(gain),
            "gain/stabilised_mean": _mean(self.stabilised(gain)),
            "gain/dead_zone_share": _mean((gain.abs() < self.dead_zone).double()),
            "gain/negative_share": _mean((kept < 0).double()),
            "gain/clipped_share": _mean((shrunk.abs() > self.clip_at).double()),
            "gain/valid_share": _mean(signal.valid[table.query_length > 0].double()),
            "query/length": _mean(lengths),
        }


def silent_groups(table: StepTable) -> dict[str, float]:
    """Share of rollouts whose group has no outcome variance, split by failing and succeeding.

    In these a purely outcome-based advantage is 0: the groups that the gain is for.
    """
    constant = is_constant(table.outcome, table.group, table.outcome_valid)
    failed = table.outcome <= 0
    return {
        "groups/all_fail_share": _mean((constant & failed).double()),
        "groups/all_pass_share": _mean((constant & ~failed).double()),
    }


def _mean(values: Tensor) -> float:
    return float(values.double().mean()) if values.numel() else 0.0
