"""A token batch as TRL wants it: a prompt, and one completion that holds a whole episode."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from igs_agent.adapters.trl.library import RELEASE
from igs_agent.signals import TokenBatch
from igs_agent.trajectory import Trajectory
from igs_env.errors import ConfigurationError


def completion_start(trajectory: Trajectory) -> int:
    """First token of the completion.

    An episode whose prompt left no room for a turn has the prompt's last token for a completion,
    which is not trained on: TRL knows no empty ones.
    """
    turns = trajectory.turns
    return turns[0].start if turns else len(trajectory.token_ids) - 1


def completions(
    batch: TokenBatch, starts: Sequence[int], rewards: Sequence[float | None]
) -> dict[str, list[Any]]:
    """What TRL's `rollout_func` returns: exact token ids, and a mask of those that are trained.

    Args:
        batch: one row per episode.
        starts: where each row's completion begins.
        rewards: None for an episode that must not be learned from or compared with.
    """
    found: dict[str, list[Any]] = {
        "prompt_ids": [],
        "completion_ids": [],
        "logprobs": [],
        "env_mask": [],
        "episode_reward": list(rewards),
    }
    for row, (start, end) in enumerate(zip(starts, batch.lengths.tolist(), strict=True)):
        found["prompt_ids"].append(batch.ids[row, :start].tolist())
        found["completion_ids"].append(batch.ids[row, start:end].tolist())
        found["logprobs"].append(batch.old_log_probs[row, start:end].tolist())
        found["env_mask"].append(batch.trained[row, start:end].long().tolist())
    return found


def completion_advantages(
    batch: TokenBatch, starts: Sequence[int], ids: Int[Tensor, "B T"]
) -> Float[Tensor, "B T"]:
    """Advantage of each token of the completions, 0 on padding.

    Args:
        batch: one row per episode.
        starts: where each row's completion begins.
        ids: the completions as TRL has padded them, on the right.

    Raises:
        ConfigurationError: TRL's tokens are not those that were sampled.
    """
    found = torch.zeros(ids.shape)
    for row, (start, end) in enumerate(zip(starts, batch.lengths.tolist(), strict=True)):
        if not torch.equal(ids[row, : end - start], batch.ids[row, start:end]):
            raise ConfigurationError(
                f"completion {row} is no longer the tokens that were sampled; this release of trl "
                f'changes what rollout_func returns: pip install "trl=={RELEASE.tested}"'
            )
        found[row, : end - start] = batch.advantages[row, start:end]
    return found
