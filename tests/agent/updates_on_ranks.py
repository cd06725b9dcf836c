"""Twenty updates on recorded batches, as one process or as a rank.

Run as a script with a folder that `write_recorded` filled, on every rank; rank 0 leaves the
parameters that each executor ended with as `<name>.pt`.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch

from igs_agent.config import LossConfig, OptimConfig
from igs_agent.executors import Executor
from igs_agent.executors.ranks import RankExecutor
from igs_agent.executors.sharded import ShardedExecutor
from igs_agent.policy import Policy, load_policy
from igs_agent.signals import TokenBatch
from igs_agent.update import UpdateStats, update_policy
from igs_agent.weights import write_weights

UPDATES = 20
LOSS = LossConfig(kl=0.01, importance_cap=2.0)
OPTIM = OptimConfig(learning_rate=1e-4, minibatches=2, batch_tokens=700)
"""Of several micro-batches, and two optimiser steps an update."""


def write_recorded(
    folder: Path, policy: Policy, batches: Sequence[tuple[TokenBatch, list[int]]]
) -> None:
    """A policy and the batches that it is trained on in turn."""
    folder.mkdir()
    write_weights(policy, folder)
    torch.save([(asdict(batch), groups) for batch, groups in batches], folder / "batches.pt")


def run_updates(
    folder: Path, executor: Executor, updates: int = UPDATES
) -> tuple[Policy, torch.optim.Optimizer, list[UpdateStats]]:
    """(the policy that plays, the optimiser, what each update reported)."""
    recorded = torch.load(folder / "batches.pt", weights_only=True)
    policy = load_policy(folder, device="cpu")
    reference = load_policy(folder, device="cpu")
    trained = executor.trained(policy)
    optimizer = torch.optim.AdamW(trained.model.parameters(), lr=OPTIM.learning_rate)
    stats = []
    for number in range(updates):
        fields, groups = recorded[number % len(recorded)]
        stats.append(
            update_policy(
                trained,
                optimizer,
                TokenBatch(**fields),
                LOSS,
                OPTIM,
                temperature=1.0,
                groups=groups,
                reference=reference,
                executor=executor,
            )
        )
        executor.publish(trained, policy)
    return policy, optimizer, stats


def save(folder: Path, name: str, executor: Executor) -> None:
    """Where an executor ended, as one process would have it."""
    policy, optimizer, stats = run_updates(folder, executor)
    state = executor.whole_state(optimizer)
    if executor.rank == 0:
        ended = {
            "parameters": policy.model.state_dict(),
            "optimizer": state,
            "stats": [asdict(each) for each in stats],
        }
        torch.save(ended, folder / f"{name}.pt")


def main(folder: Path) -> None:
    """Both ways of being two ranks, one after the other."""
    torch.set_num_threads(1)
    ranks = RankExecutor()
    save(folder, "parallel", ranks)
    save(folder, "sharded", ShardedExecutor())
    ranks.close()


def on_ray(folder: str) -> None:
    """As a rank that Ray started."""
    torch.set_num_threads(1)
    ranks = RankExecutor()
    save(Path(folder), "ray", ranks)
    ranks.close()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
