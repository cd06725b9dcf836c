"""A small step table for examples and tests."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from igs_agent.batch import Signal, StepTable


def table(
    *,
    outcome: Sequence[float],
    group: Sequence[int],
    gain: Sequence[Sequence[float | None]] | None = None,
    query_length: Sequence[Sequence[int]] | None = None,
    outcome_valid: Sequence[bool] | None = None,
    dtype: torch.dtype = torch.float64,
) -> StepTable:
    """A table in which every rollout has as many steps as `gain` has columns, or one.

    A gain of None is not measured.

    >>> table(outcome=[1.0], group=[0], gain=[[0.5, None]]).signal("gain").valid.tolist()
    [[True, False]]
    """
    rollouts = len(outcome)
    steps = len(gain[0]) if gain else 1
    values = [[g or 0.0 for g in row] for row in gain] if gain else [[0.0] * steps] * rollouts
    measured = (
        [[g is not None for g in row] for row in gain] if gain else [[False] * steps] * rollouts
    )
    return StepTable(
        group=torch.tensor(group),
        outcome=torch.tensor(outcome, dtype=dtype),
        outcome_valid=torch.tensor(outcome_valid or [True] * rollouts),
        valid=torch.ones(rollouts, steps, dtype=torch.bool),
        query_length=torch.tensor(query_length or [[4] * steps] * rollouts),
        observation=torch.arange(rollouts * steps).reshape(rollouts, steps),
        attempt=torch.zeros(rollouts, dtype=torch.long),
        parent=torch.full((rollouts,), -1),
        signals={
            "gain": Signal(values=torch.tensor(values, dtype=dtype), valid=torch.tensor(measured))
        },
    )
