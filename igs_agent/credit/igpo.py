"""IGPO: each turn is rewarded by how much likelier it made the gold answer (Wang et al. 2025,
arXiv 2510.14967)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.groups import centred, flat_group, population_variance, returns_to_go

NORMALISATIONS = ("separate", "joint")
DIFFERENCES = ("log_prob", "prob")


@dataclass(frozen=True, slots=True, kw_only=True)
class IGPO:
    """A_t = r_t + γ·A_{t+1} on every policy token of a step, over rewards z-scored in the group.

    r_t = z(v_{t+1} − v_t) for every step but the last, with v_t the gold answer's log-probability
    (or probability) at the start of step t; the last step has r = z(outcome), so that a rollout
    of one step is GRPO's. `separate` has one mean and deviation for the differences and one for
    the outcomes of a question's rollouts, `joint` one for both. Deviations are the population's:
    z(x) = (x − mean) / (√(var + 1e-8) + ε).

    This is the authors' code of February 2026 (debajoycs98/IGPO). Their first release
    (GuoqingWang1/IGPO, October 2025) instead subtracts from each token's return the group's mean
    at the same token position, and divides by nothing: not a function of steps, and not offered.

    Differs: their code finds turns by non-zero rewards, so that a difference of exactly 0 is no
    turn; here spans are explicit and a 0 counts (trap T7). A step whose difference was not
    measured has r = 0 and enters no mean.

    >>> from igs_agent.credit.example import table
    >>> values = [[-3.0, -1.0], [-3.0, -2.0]]
    >>> credit = IGPO()(table(outcome=[1, 1], group=[0, 0], answer_log_prob=values))
    >>> credit.step.round(decimals=3).tolist()
    [[1.0, 0.0], [-1.0, 0.0]]
    """

    signals: ClassVar[tuple[str, ...]] = ("answer_log_prob",)

    normalise: str = "separate"
    """`separate` or `joint` (IGPO's script: separate)."""
    difference: str = "log_prob"
    """`log_prob` or `prob`, exp of it (IGPO's script: log_prob; the paper: prob)."""
    discount: float = 1.0
    """γ per step (IGPO: 1)."""
    epsilon: float = 1e-6
    """IGPO's code: 1e-6, beside 1e-8 under the root."""

    def __post_init__(self) -> None:
        """Refuse what has no meaning."""
        if self.normalise not in NORMALISATIONS or self.difference not in DIFFERENCES:
            raise ValueError(
                f"normalise is one of {', '.join(NORMALISATIONS)} and difference one of "
                f"{', '.join(DIFFERENCES)}; got {self.normalise!r} and {self.difference!r}"
            )

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step; nothing extra on queries."""
        differences, measured = self.differences(table)
        last = table.last & table.counted
        outcome = table.outcome[:, None].expand(table.valid.shape)
        if self.normalise == "joint":
            rewards = torch.where(last, outcome, differences)
            normalised = self._z_score(rewards, last | measured, table)
        else:
            normalised = self._z_score(outcome, last, table)
            normalised = normalised + self._z_score(differences, measured, table)
        step = returns_to_go(normalised, table.counted, self.discount)
        return Credit(step=step, query=torch.zeros_like(step))

    def differences(self, table: StepTable) -> tuple[Float[Tensor, "R S"], Bool[Tensor, "R S"]]:
        """(v_{t+1} − v_t, where it was measured on a rollout that counts)."""
        signal = table.signal("answer_log_prob")
        value = signal.values.exp() if self.difference == "prob" else signal.values
        found, measured = torch.zeros_like(value), torch.zeros_like(signal.valid)
        found[:, :-1] = value[:, 1:] - value[:, :-1]
        measured[:, :-1] = signal.valid[:, 1:] & signal.valid[:, :-1]
        measured = measured & table.counted
        return torch.where(measured, found, torch.zeros_like(found)), measured

    def _z_score(
        self, values: Float[Tensor, "R S"], where: Bool[Tensor, "R S"], table: StepTable
    ) -> Float[Tensor, "R S"]:
        arguments = (
            values.reshape(-1),
            flat_group(table.group, values.shape[1]),
            where.reshape(-1),
        )
        deviation = (population_variance(*arguments) + 1e-8).sqrt()
        return (centred(*arguments) / (deviation + self.epsilon)).reshape(values.shape)
