"""Asking an estimator for its credit, and refusing what cannot be trained on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from igs_agent.batch import Credit, CreditError, StepTable


def assign(
    estimator: Callable[[StepTable], Credit], table: StepTable, signals: Sequence[str]
) -> Credit:
    """The estimator's credit of every step, checked once so that the trainer need not.

    Args:
        estimator: an object of `igs_agent.credit` or a user's function.
        table: R rollouts of at most S steps.
        signals: names of those that it asks for. It sees no others: what was not asked for was
            not measured, and would read as nowhere valid.

    Raises:
        CreditError: no `Credit`; a part whose shape is not (R, S), or that is not finite; a signal
            that does not exist, or that is read without being asked for.
    """
    unknown = [name for name in signals if name not in table.signals]
    if unknown:
        raise CreditError(
            f"there is no signal {unknown[0]!r}; choose from: {', '.join(sorted(table.signals))}"
        )
    given = replace(table, signals={name: table.signals[name] for name in signals})
    credit = estimator(given)
    if not isinstance(credit, Credit):
        raise CreditError(
            f"the estimator returned {type(credit).__name__}, expected igs_agent.credit.Credit"
        )
    for name in ("step", "query", "clip_scale"):
        part = getattr(credit, name)
        if part is None and name == "clip_scale":
            continue
        if not isinstance(part, torch.Tensor) or part.shape != table.valid.shape:
            found = tuple(part.shape) if isinstance(part, torch.Tensor) else type(part).__name__
            raise CreditError(
                f"the estimator's {name} is {found}, expected {tuple(table.valid.shape)}: "
                "a number per rollout and step"
            )
        bad = (~torch.isfinite(part)).nonzero()
        if len(bad):
            row, step = bad[0].tolist()
            raise CreditError(f"the estimator's {name} is not finite at rollout {row}, step {step}")
    return credit
