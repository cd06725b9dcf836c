"""From trajectories to what estimators and the loss read: step tables and token batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from igs_agent.batch import Credit, Signal, StepTable, token_advantages
from igs_agent.trajectory import Trajectory
from igs_env.types import Episode


def step_table(trajectories: Sequence[Trajectory], *, mask_truncated: bool = False) -> StepTable:
    """The rollouts as rows and their steps as columns, in float64.

    A rollout whose retrieval failed never counts; one that ended without an answer does not
    with `mask_truncated`.
    """
    rollouts = len(trajectories)
    steps = max((len(t.turns) for t in trajectories), default=0) or 1
    valid = torch.zeros(rollouts, steps, dtype=torch.bool)
    lengths = torch.zeros(rollouts, steps, dtype=torch.long)
    observation = torch.zeros(rollouts, steps, dtype=torch.long)
    keys: dict[tuple[str, str], int] = {}
    groups: dict[str, int] = {}
    for row, trajectory in enumerate(trajectories):
        groups.setdefault(trajectory.episode.group_id, len(groups))
        for column, turn in enumerate(trajectory.turns):
            valid[row, column] = True
            lengths[row, column] = turn.query[1] - turn.query[0]
            key = (trajectory.episode.group_id, _seen(trajectory.episode, column))
            observation[row, column] = keys.setdefault(key, len(keys))
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
        observation=observation,
        attempt=torch.zeros(rollouts, dtype=torch.long),
        parent=torch.full((rollouts,), -1),
        signals={
            "gain": _gain(trajectories, steps),
            "found_gold": _found_gold(trajectories, steps),
        },
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


def _seen(episode: Episode, step: int) -> str:
    """What the policy was shown last before a step: the state that GiGPO anchors on."""
    return episode.prompt if step == 0 else episode.steps[step - 1].observation


def _gain(trajectories: Sequence[Trajectory], steps: int) -> Signal:
    values = torch.zeros(len(trajectories), steps, dtype=torch.float64)
    valid = torch.zeros(len(trajectories), steps, dtype=torch.bool)
    for row, trajectory in enumerate(trajectories):
        for column, gain in enumerate(trajectory.gains):
            if gain is not None:
                values[row, column] = gain.value
                valid[row, column] = True
    return Signal(values=values, valid=valid)


def _found_gold(trajectories: Sequence[Trajectory], steps: int) -> Signal:
    """1 where a search brought a hop's document that no earlier step had brought."""
    values = torch.zeros(len(trajectories), steps, dtype=torch.float64)
    valid = torch.zeros(len(trajectories), steps, dtype=torch.bool)
    for row, trajectory in enumerate(trajectories):
        hops = [set(ids) for ids in trajectory.episode.question.gold_documents]
        missing = list(hops)
        for column, step in enumerate(trajectory.episode.steps):
            if not step.searched or not hops:
                continue
            found = {document.id for document in step.documents}
            values[row, column] = float(any(hop & found for hop in missing))
            valid[row, column] = True
            missing = [hop for hop in missing if not hop & found]
    return Signal(values=values, valid=valid)


def _stack(rows: Sequence[np.ndarray], width: int, fill: float) -> np.ndarray:
    stacked = np.full((len(rows), width), fill, dtype=rows[0].dtype)
    for index, row in enumerate(rows):
        stacked[index, : len(row)] = row
    return stacked
