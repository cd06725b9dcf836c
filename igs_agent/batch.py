"""What credit assignment reads and writes: steps of rollouts in, numbers per step out.

The trainer is blind to the estimator: it hands over a `StepTable`, gets a `Credit` and lets
`spread` put it on tokens.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor


class CreditError(ValueError):
    """An estimator whose answer is no credit, or that reads what it did not ask for."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Signal:
    """A number per step that an estimator may use, and where it was measured."""

    values: Float[Tensor, "R S"]
    """Unit as the signal's name says; 0 where it was not measured."""
    valid: Bool[Tensor, "R S"]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class StepTable:
    """R rollouts of at most S steps, padded at the end. Raises ValueError if parts disagree."""

    group: Int[Tensor, " R"]
    """Rollouts with equal numbers answered the same question and are compared."""
    outcome: Float[Tensor, " R"]
    """Reward of the whole rollout."""
    outcome_valid: Bool[Tensor, " R"]
    """False for a rollout that must not be learned from or compared with (a retrieval failed,
    or truncated rollouts are masked)."""
    valid: Bool[Tensor, "R S"]
    """The step exists."""
    query_length: Int[Tensor, "R S"]
    """Policy tokens in the query's text, |Q_t|; 0 where nothing was searched."""
    observation: Int[Tensor, "R S"]
    """Steps that were taken from the same observation of the same question share a number, and
    no others do."""
    attempt: Int[Tensor, " R"]
    """Number of the attempt within one context (MR-Search); 0 where there is only one."""
    parent: Int[Tensor, " R"]
    """Row of the rollout that this one goes on from: the attempt before it (MR-Search) or the one
    that it branched off (Tree-GRPO); −1 for none."""
    signals: Mapping[str, Signal] = field(default_factory=dict)
    """By name. `igs_agent.step_signals` says what each of them is."""

    def __post_init__(self) -> None:
        """Check shapes and finiteness once, so that estimators need not."""
        rollouts, steps = self.valid.shape
        for name in ("group", "outcome", "outcome_valid", "attempt", "parent"):
            _check_shape(name, getattr(self, name), (rollouts,))
        for name in ("query_length", "observation"):
            _check_shape(name, getattr(self, name), (rollouts, steps))
        if not torch.isfinite(self.outcome).all():
            raise ValueError("StepTable.outcome is not finite")
        for name, signal in self.signals.items():
            _check_shape(name, signal.values, (rollouts, steps))
            _check_shape(f"{name}.valid", signal.valid, (rollouts, steps))
            if not torch.isfinite(signal.values).all():
                raise ValueError(f"signal {name!r} is not finite")
            if (signal.valid & ~self.valid).any():
                raise ValueError(f"signal {name!r} is measured at a step that does not exist")

    @property
    def last(self) -> Bool[Tensor, "R S"]:
        """The rollout's last step."""
        following = torch.zeros_like(self.valid)
        following[:, :-1] = self.valid[:, 1:]
        return self.valid & ~following

    @property
    def counted(self) -> Bool[Tensor, "R S"]:
        """The step exists and its rollout counts."""
        return self.valid & self.outcome_valid[:, None]

    def signal(self, name: str) -> Signal:
        """The signal of that name; CreditError, a ValueError, with what there is otherwise."""
        if name not in self.signals:
            raise CreditError(
                f"this estimator needs the signal {name!r}; measured were: "
                f"{', '.join(sorted(self.signals)) or 'none'}. What an estimator reads it names "
                f"in its attribute `signals`, as in estimate.signals = ({name!r},)"
            )
        return self.signals[name]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Credit:
    """An estimator's verdict, per step."""

    step: Float[Tensor, "R S"]
    """Advantage of every policy token of the step."""
    query: Float[Tensor, "R S"]
    """Added on top on the tokens of the step's query."""
    clip_scale: Float[Tensor, "R S"] | None = None
    """Factor on the clip range of the step's tokens (A²TGPO); None leaves it."""


def spread(
    values: Float[Tensor, "R S"], step_index: Int[Tensor, "R T"], where: Bool[Tensor, "R T"]
) -> Float[Tensor, "R T"]:
    """A number per step on that step's tokens, 0 wherever `where` is false."""
    taken = values.gather(1, step_index.clamp(min=0))
    return torch.where(where & (step_index >= 0), taken, torch.zeros_like(taken))


def token_advantages(
    credit: Credit,
    step_index: Int[Tensor, "R T"],
    is_policy: Bool[Tensor, "R T"],
    is_query: Bool[Tensor, "R T"],
) -> Float[Tensor, "R T"]:
    """Advantage of each token: the step's on policy tokens, the query's added on its own.

    Exactly 0 on every token that the policy did not write.
    """
    return spread(credit.step, step_index, is_policy) + spread(
        credit.query, step_index, is_query & is_policy
    )


def _check_shape(name: str, tensor: Tensor, shape: tuple[int, ...]) -> None:
    if tuple(tensor.shape) != shape:
        raise ValueError(f"StepTable.{name} has shape {tuple(tensor.shape)}, expected {shape}")
