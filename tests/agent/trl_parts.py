"""TRL's trainer on the shipped policy, small: 4 questions, 4 rollouts each."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch
from trl import GRPOConfig

from igs_agent.adapters.trl import IGGRPOTrainer
from igs_agent.policy import Policy, load_policy
from igs_env.task import Task, make_task


@lru_cache(maxsize=2)
def atlas(split: str = "train") -> Task:
    """The embedded world as the shipped policy knows it; F1 tells more rollouts apart than EM."""
    return make_task(
        protocol="plain",
        top_k=1,
        max_searches=3,
        hops=[1, 2],
        split=split,
        reward="f1",
        sampler="none",
    )


@lru_cache(maxsize=1)
def _tiny() -> Policy:
    return load_policy("tiny", device="cpu")


def fresh_policy() -> Policy:
    """The shipped policy, to be trained."""
    return replace(_tiny(), model=copy.deepcopy(_tiny().model))


def settings(folder: Path, **more: Any) -> GRPOConfig:
    """4 questions × 4 rollouts per update, in full precision."""
    return GRPOConfig(
        **{
            "output_dir": str(folder),
            "use_cpu": True,
            "bf16": False,
            "per_device_train_batch_size": 16,
            "num_generations": 4,
            "learning_rate": 1e-4,
            "max_steps": 1,
            "report_to": "none",
            "save_strategy": "no",
            "disable_tqdm": True,
            "logging_steps": 1,
            **more,
        }
    )


def trainer_of(args: GRPOConfig, **more: Any) -> IGGRPOTrainer:
    """A trainer that is quiet."""
    more.setdefault("max_tokens", 40)
    return IGGRPOTrainer(fresh_policy(), atlas(), args, **more)


def one_batch(trainer: IGGRPOTrainer) -> dict[str, Any]:
    """What TRL trains on, after one round of rollouts, in the order of the rollouts."""
    trainer.model.train()
    rows = next(iter(trainer.get_train_dataloader()))
    return trainer._generate_and_score_completions(rows)


def weights(trainer: Any) -> torch.Tensor:
    """All parameters, end to end."""
    return torch.cat([p.detach().flatten() for p in trainer.model.parameters()])
