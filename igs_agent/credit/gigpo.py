"""GiGPO: groups within groups, rollouts of a question and steps from the same observation (Feng
et al. 2025, arXiv 2505.10978)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.groups import centred, flat_group, returns_to_go, sample_std

BASELINES = ("rollouts", "steps")
SCALES = ("std", "none")


@dataclass(frozen=True, slots=True, kw_only=True)
class GiGPO:
    """A = A^E + ω·A^S on every policy token of a step (eq. 8).

    A^E compares the outcomes of a question's rollouts (eq. 3). A^S compares γ-discounted returns
    R_t = γ^{T−t}·R, the outcome being the only reward (eq. 5), among steps of the question that
    were taken from the same observation (eq. 6 and 7); a step with no such sibling gets 0.

    The two published codes disagree on the baseline of A^E. `rollouts`: every rollout counts
    once, as in the paper and in Dr. MAS's copy (langfengQ/DrMAS). `steps`: once per step, so
    that long rollouts weigh more, as in verl-agent.

    Differs: both codes train a question's only rollout on its raw outcome; here A^E is 0.

    >>> from igs_agent.credit.example import table
    >>> two = table(outcome=[1, 0], group=[0, 0], steps=[2, 2], observation=[[0, 1], [0, 1]])
    >>> GiGPO(scale="none")(two).step.tolist() == [
    ...     [0.5 + 0.95 * 0.5, 0.5 + 0.5], [-0.5 - 0.95 * 0.5, -0.5 - 0.5]]
    True
    """

    weight: float = 1.0
    """ω (GiGPO: 1)."""
    discount: float = 0.95
    """γ per step (GiGPO: 0.95)."""
    scale: str = "std"
    """`std` divides by the unbiased deviation, `none` does not (F_norm of eq. 3 and 7; both are
    in the paper)."""
    baseline: str = "rollouts"
    """What A^E averages over: `rollouts` or `steps`."""
    observation_similarity: float = 0.9
    """Observations this alike count as the same (GiGPO's script for search: 0.9); 1 for equal.
    Applied where the step table is made."""
    epsilon: float = 1e-6
    """Both codes: 1e-6."""

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if self.scale not in SCALES or self.baseline not in BASELINES:
            raise ValueError(
                f"scale is one of {', '.join(SCALES)} and baseline one of {', '.join(BASELINES)}; "
                f"got {self.scale!r} and {self.baseline!r}"
            )

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step; nothing extra on queries."""
        step = self.of_rollouts(table) + self.weight * self.of_steps(table)
        return Credit(step=step, query=torch.zeros_like(step))

    def of_rollouts(self, table: StepTable) -> Float[Tensor, "R S"]:
        """A^E of every step that counts."""
        outcome = table.outcome[:, None].expand(table.valid.shape)
        counted = table.counted if self.baseline == "steps" else table.last & table.counted
        # A rollout that counts once does so by its last step; all its steps then share the value.
        values = self._relative(outcome, _within(table.group, table), counted)
        if self.baseline == "rollouts":
            values = values.sum(1, keepdim=True).expand(table.valid.shape)
        return torch.where(table.counted, values, torch.zeros_like(values))

    def of_steps(self, table: StepTable) -> Float[Tensor, "R S"]:
        """A^S of every step that counts."""
        rewards = table.outcome[:, None] * table.last.to(table.outcome)
        returns = returns_to_go(rewards, table.valid, self.discount)
        clusters = torch.stack([_within(table.group, table), table.observation.reshape(-1)])
        _, cluster = torch.unique(clusters, dim=1, return_inverse=True)
        return self._relative(returns, cluster, table.counted)

    def _relative(
        self,
        values: Float[Tensor, "R S"],
        group: Int[Tensor, " R*S"],
        counted: Bool[Tensor, "R S"],
    ) -> Float[Tensor, "R S"]:
        arguments = (values.reshape(-1), group, counted.reshape(-1))
        relative = centred(*arguments)
        if self.scale == "std":
            relative = relative / (sample_std(*arguments) + self.epsilon)
        return relative.reshape(values.shape)


def _within(group: Int[Tensor, " R"], table: StepTable) -> Int[Tensor, " R*S"]:
    return flat_group(group, table.valid.shape[1])
