"""MT-GRPO: a reward for the first turn beside the outcome's (Zeng et al. 2025, arXiv
2505.11821)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.groups import broadcast, centred, sample_std


@dataclass(frozen=True, slots=True, kw_only=True)
class MTGRPO:
    """z(R) everywhere, plus c·z(turn reward) on tokens before the first result.

    The first result is what the first search brings, so the addition covers the steps up to and
    including that search. A rollout that never searches gets z(R + turn reward) instead, its turn
    reward being 0. z is GRPO's, over all rollouts of the question.

    *Ours*: the turn reward is a signal of the step, by default whether the documents of the first
    search hold the answer; the published code adds a format reward to that.

    >>> from igs_agent.credit.example import table
    >>> found = [[1.0, 0.0], [0.0, 0.0]]
    >>> turns = table(outcome=[0, 0], group=[0, 0], answer_in_documents=found)
    >>> MTGRPO()(turns).step.round(decimals=3).tolist()
    [[0.707, 0.0], [-0.707, 0.0]]
    """

    turn_reward: str = "answer_in_documents"
    """Name of the signal that the first search is rewarded by."""
    coefficient: float = 1.0
    """c (published code: 1)."""
    epsilon: float = 1e-4
    """Published code (SiliangZeng/Multi-Turn-RL-Agent): 1e-4."""

    @property
    def signals(self) -> tuple[str, ...]:
        """What is read of a step."""
        return (self.turn_reward,)

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step; nothing extra on queries."""
        searched = table.valid & (table.query_length > 0)
        first = searched & (searched.cumsum(1) == 1)
        signal = table.signal(self.turn_reward)
        turn = torch.where(first & signal.valid, signal.values, 0.0).sum(1)
        outcome = self._z_score(table.outcome, table)
        before = _up_to(first) & table.counted
        credited = broadcast(outcome, table.counted) + self.coefficient * broadcast(
            self._z_score(turn, table), before
        )
        without = broadcast(self._z_score(table.outcome + turn, table), table.counted)
        step = torch.where(searched.any(1, keepdim=True), credited, without)
        return Credit(step=step, query=torch.zeros_like(step))

    def _z_score(self, values: Float[Tensor, " R"], table: StepTable) -> Float[Tensor, " R"]:
        arguments: tuple[Tensor, Int[Tensor, " R"], Tensor] = (
            values,
            table.group,
            table.outcome_valid,
        )
        return centred(*arguments) / (sample_std(*arguments) + self.epsilon)


def _up_to(marked: Bool[Tensor, "R S"]) -> Bool[Tensor, "R S"]:
    """The marked step of a row and all before it; nothing where no step is marked."""
    return marked.flip(1).cumsum(1).flip(1) > 0
