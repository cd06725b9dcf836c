"""A small step table for examples and tests."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from igs_agent.batch import Signal, StepTable


def table(
    *,
    outcome: Sequence[float],
    group: Sequence[int],
    gain: Sequence[Sequence[float | None]] | None = None,
    answer_log_prob: Sequence[Sequence[float | None]] | None = None,
    found_gold: Sequence[Sequence[float | None]] | None = None,
    transfer: Sequence[Sequence[float | None]] | None = None,
    relay: Sequence[Sequence[float | None]] | None = None,
    answer_in_documents: Sequence[Sequence[float | None]] | None = None,
    document_value: Sequence[Sequence[float | None]] | None = None,
    document_belief: Sequence[Sequence[float | None]] | None = None,
    document_outcome: Sequence[Sequence[float | None]] | None = None,
    query_length: Sequence[Sequence[int]] | None = None,
    observation: Sequence[Sequence[int]] | None = None,
    steps: Sequence[int] | None = None,
    outcome_valid: Sequence[bool] | None = None,
    attempt: Sequence[int] | None = None,
    parent: Sequence[int] | None = None,
    dtype: torch.dtype = torch.float64,
) -> StepTable:
    """A table in which every rollout has as many steps as its signals have columns, or one.

    A value of None is not measured, and nor is a signal that is not given. `steps` says how many
    of the columns each rollout has, where not all.

    >>> table(outcome=[1.0], group=[0], gain=[[0.5, None]]).signal("gain").valid.tolist()
    [[True, False]]
    """
    given = {
        "gain": gain,
        "answer_log_prob": answer_log_prob,
        "found_gold": found_gold,
        "transfer": transfer,
        "relay": relay,
        "answer_in_documents": answer_in_documents,
        "document_value": document_value,
        "document_belief": document_belief,
        "document_outcome": document_outcome,
    }
    rollouts = len(outcome)
    columns = next((len(rows[0]) for rows in given.values() if rows), max(steps or [1]))
    exists = torch.arange(columns) < torch.tensor(steps or [columns] * rollouts)[:, None]
    lengths = torch.tensor(query_length or [[4] * columns] * rollouts)
    numbers = torch.arange(rollouts * columns).reshape(rollouts, columns)
    return StepTable(
        group=torch.tensor(group),
        outcome=torch.tensor(outcome, dtype=dtype),
        outcome_valid=torch.tensor(outcome_valid or [True] * rollouts),
        valid=exists,
        query_length=torch.where(exists, lengths, 0),
        observation=torch.tensor(observation) if observation else numbers,
        attempt=torch.tensor(attempt or [0] * rollouts),
        parent=torch.tensor(parent or [-1] * rollouts),
        signals={name: _signal(rows, exists, dtype) for name, rows in given.items()},
    )


def _signal(
    rows: Sequence[Sequence[float | None]] | None, exists: Tensor, dtype: torch.dtype
) -> Signal:
    if rows is None:
        return Signal(values=torch.zeros(exists.shape, dtype=dtype), valid=torch.zeros_like(exists))
    measured = torch.tensor([[value is not None for value in row] for row in rows]) & exists
    values = torch.tensor([[value or 0.0 for value in row] for row in rows], dtype=dtype)
    return Signal(values=values * measured.to(dtype), valid=measured)
