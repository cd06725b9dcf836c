"""From trajectories to what estimators and the loss read: step tables and token batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from igs_agent.batch import Credit, StepTable, token_advantages
from igs_agent.observations import observation_clusters
from igs_agent.step_signals import SIGNALS
from igs_agent.trajectory import Trajectory


def step_table(
    trajectories: Sequence[Trajectory],
    *,
    mask_truncated: bool = False,
    similarity: float = 1.0,
) -> StepTable:
    """The rollouts as rows and their steps as columns, in float64.

    A rollout whose retrieval failed never counts.

    Args:
        trajectories: of one update.
        mask_truncated: a rollout that ended without an answer does not count either.
        similarity: how alike two observations of one question must be to share a number, 1 for
            equal; what an estimator wants is `igs_agent.credit.observation_similarity`.
    """
    rollouts = len(trajectories)
    steps = max((len(t.turns) for t in trajectories), default=0) or 1
    valid = torch.zeros(rollouts, steps, dtype=torch.bool)
    lengths = torch.zeros(rollouts, steps, dtype=torch.long)
    groups: dict[str, int] = {}
    rows: dict[str | None, int] = {t.episode.id: row for row, t in enumerate(trajectories)}
    for row, trajectory in enumerate(trajectories):
        groups.setdefault(trajectory.episode.group_id, len(groups))
        for column, turn in enumerate(trajectory.turns):
            valid[row, column] = True
            lengths[row, column] = turn.query[1] - turn.query[0]
    return StepTable(
        group=torch.tensor([groups[t.episode.group_id] for t in trajectories]),
        outcome=torch.tensor([t.reward for t in trajectories], dtype=torch.float64),
        outcome_valid=torch.tensor(
            [
                not t.retrieval_failed and not (mask_truncated and t.truncated) and bool(t.turns)
                for t in trajectories
            ]
        ),
        valid=valid,
        query_length=lengths,
        observation=observation_clusters(trajectories, steps, similarity),
        attempt=torch.tensor([t.attempt for t in trajectories], dtype=torch.long),
        parent=torch.tensor([rows.get(t.previous, -1) for t in trajectories]),
        signals={name: read(trajectories, steps) for name, read in SIGNALS.items()},
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TokenBatch:
    """Rollouts as padded tokens, ready for the loss. T is the longest row's length."""

    ids: Tensor
    """(R, T) int64, 0 behind a row's end."""
    lengths: Tensor
    """(R,) int64."""
    trained: Tensor
    """(R, T) bool: the policy wrote the token and its rollout counts."""
    old_log_probs: Tensor
    """(R, T) float32, as sampled."""
    advantages: Tensor
    """(R, T) float32, 0 where not trained."""

    def rows(self, index: Sequence[int]) -> TokenBatch:
        """The batch of these rows, cut to their longest."""
        chosen = torch.tensor(list(index))
        width = int(self.lengths[chosen].max())
        return TokenBatch(
            ids=self.ids[chosen, :width],
            lengths=self.lengths[chosen],
            trained=self.trained[chosen, :width],
            old_log_probs=self.old_log_probs[chosen, :width],
            advantages=self.advantages[chosen, :width],
        )


def token_batch(trajectories: Sequence[Trajectory], table: StepTable, credit: Credit) -> TokenBatch:
    """Every rollout's tokens with the advantage that its credit gives them."""
    width = max(len(t.token_ids) for t in trajectories)
    step_index = torch.from_numpy(_stack([t.step_index for t in trajectories], width, -1))
    is_policy = torch.from_numpy(_stack([t.is_policy for t in trajectories], width, False))
    is_query = torch.from_numpy(_stack([t.is_query for t in trajectories], width, False))
    trained = is_policy & table.outcome_valid[:, None]
    advantages = token_advantages(credit, step_index, trained, is_query)
    return TokenBatch(
        ids=torch.from_numpy(_stack([t.token_ids for t in trajectories], width, 0)),
        lengths=torch.tensor([len(t.token_ids) for t in trajectories]),
        trained=trained,
        old_log_probs=torch.from_numpy(_stack([t.log_probs for t in trajectories], width, 0.0)),
        advantages=advantages.float(),
    )


def _stack(rows: Sequence[np.ndarray], width: int, fill: float) -> np.ndarray:
    stacked = np.full((len(rows), width), fill, dtype=rows[0].dtype)
    for index, row in enumerate(rows):
        stacked[index, : len(row)] = row
    return stacked
