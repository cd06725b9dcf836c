"""What Tianshou collected, as the step table that credit estimators read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from igs_agent.batch import Credit, Signal, StepTable
from igs_env.errors import ConfigurationError

SIGNALS = ("gain",)
"""What `info` tells of a step; the other signals need a language model or the gold documents."""
_KEYS = ("group_id", "action", "information_gain", "information_gain_valid", "retrieval_failed")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Transitions:
    """A batch of N transitions as R episodes of at most S steps."""

    table: StepTable
    row: Int[Tensor, " N"]
    """Each transition's episode."""
    column: Int[Tensor, " N"]
    """Each transition's step in it."""

    def advantages(self, credit: Credit) -> Float[Tensor, " N"]:
        """Each transition's: its step's, and what is added on its query."""
        return (credit.step + credit.query)[self.row, self.column]

    @property
    def counted(self) -> Tensor:
        """Transitions of episodes that count, shape (N,)."""
        return self.table.outcome_valid[self.row]


def transitions(batch: Any) -> Transitions:
    """Episodes, groups and gains of a batch of Tianshou's.

    A macro action is what a token is to a language model: a search's query has the length 1, an
    answer's 0. An episode's outcome is the sum of its rewards, and one whose retrieval failed
    does not count. Steps share an observation where question and vector are the same.

    Args:
        batch: whole episodes one after the other, as `buffer.sample(0)` gives them.

    Raises:
        ConfigurationError: infos that are not this environment's, an episode without its end, or
            no two episodes of one group.
    """
    info = _checked_info(batch)
    done = np.asarray(batch.done, dtype=np.bool_)
    groups = np.asarray(info.group_id, dtype=np.str_)
    row, column = _places(done)
    _check_episodes(groups, row, done)
    first = column == 0
    _, group = np.unique(groups[first], return_inverse=True)
    _check_groups(group)
    shape = (int(row[-1]) + 1, int(column.max()) + 1)
    valid = _laid(np.ones(len(row), dtype=np.bool_), row, column, shape)
    failed = np.asarray(info.retrieval_failed, dtype=np.bool_)
    gain = Signal(
        values=_laid(np.asarray(info.information_gain, np.float64), row, column, shape),
        valid=_laid(np.asarray(info.information_gain_valid, np.bool_), row, column, shape),
    )
    table = StepTable(
        group=torch.from_numpy(group),
        outcome=torch.from_numpy(np.bincount(row, np.asarray(batch.rew, np.float64))),
        outcome_valid=torch.from_numpy(np.bincount(row, failed) == 0),
        valid=valid,
        query_length=_laid(
            (np.asarray(info.action) == "search").astype(np.int64), row, column, shape
        ),
        observation=_laid(_observations(groups, np.asarray(batch.obs)), row, column, shape),
        attempt=torch.zeros(shape[0], dtype=torch.long),
        parent=torch.full((shape[0],), -1),
        signals={"gain": gain},
    )
    return Transitions(table=table, row=torch.from_numpy(row), column=torch.from_numpy(column))


def _checked_info(batch: Any) -> Any:
    info = batch.info
    absent = [key for key in _KEYS if key not in info.get_keys()]
    if absent:
        raise ConfigurationError(
            f"the infos of this batch lack {', '.join(absent)}: collect in igs_env's environments, "
            "with `NativeVectorEnv(macro_vector_env(…), group_size=…)`"
        )
    return info


def _places(done: NDArray[np.bool_]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Each transition's episode and its step in it."""
    row = np.concatenate(([0], np.cumsum(done[:-1]))).astype(np.int64)
    starts = np.searchsorted(row, np.arange(row[-1] + 1))
    return row, np.arange(len(row)) - starts[row]


def _check_episodes(
    groups: NDArray[np.str_], row: NDArray[np.int64], done: NDArray[np.bool_]
) -> None:
    mixed = (groups[1:] != groups[:-1]) & (row[1:] == row[:-1])
    if mixed.any() or not done[-1]:
        raise ConfigurationError(
            "an episode without its end has no outcome: train with collection_step_num_episodes "
            "in place of collection_step_num_env_steps"
        )


def _check_groups(group: NDArray[np.int64]) -> None:
    if np.bincount(group).max() < 2:
        raise ConfigurationError(
            f"none of {len(group)} episodes shares its group with another, and there is nothing "
            "to compare: give NativeVectorEnv a group_size of 2 or more"
        )


def _laid(
    values: NDArray[Any], row: NDArray[np.int64], column: NDArray[np.int64], shape: tuple[int, int]
) -> Tensor:
    """The values at their places in the table, 0 elsewhere."""
    table = np.zeros(shape, dtype=values.dtype)
    table[row, column] = values
    return torch.from_numpy(table)


def _observations(groups: NDArray[np.str_], vectors: NDArray[Any]) -> NDArray[np.int64]:
    """Equal numbers for equal vectors of one group; 0 is left to padding."""
    numbers: dict[tuple[str, bytes], int] = {}
    keys = [(str(group), row.tobytes()) for group, row in zip(groups, vectors, strict=True)]
    return np.array([numbers.setdefault(key, len(numbers) + 1) for key in keys], dtype=np.int64)
