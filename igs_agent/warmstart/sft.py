"""Supervised training on examples: cross-entropy on the learned tokens."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from igs_agent.checkpoint import (
    RunState,
    drop_old,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
)
from igs_agent.policy import Policy
from igs_agent.warmstart.examples import Example, batches


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisedConfig:
    """Settings of supervised training."""

    epochs: int = 1
    learning_rate: float = 2e-5
    """Peak; 1e-3 for a small model from nothing."""
    warmup: float = 0.03
    """Share of the training in which the rate rises linearly; it then falls as a cosine to a
    tenth."""
    weight_decay: float = 0.01
    max_grad_norm: float = 1.0
    batch_tokens: int = 8192
    """Most tokens of one optimiser step, padding included."""
    autocast: bool = False
    """bf16 autocast in the forward."""
    seed: int = 0


def tell(line: str) -> None:
    """Print a line of progress at once, into a log too."""
    print(line, flush=True)  # noqa: T201


def train_supervised(
    policy: Policy,
    make_examples: Callable[[int], Sequence[Example]],
    config: SupervisedConfig,
    *,
    progress: Path | None = None,
    log: Callable[[str], None] = tell,
    log_every: int = 50,
) -> float:
    """Train the policy's model in place; mean loss per learned token of the last epoch.

    Args:
        policy: its model is trained.
        make_examples: epoch number → that epoch's examples.
        config: settings.
        progress: folder for a checkpoint after every epoch; one that is there is gone on from.
        log: takes a line of progress.
        log_every: steps between lines.
    """
    torch.manual_seed(config.seed)
    optimizer = torch.optim.AdamW(
        policy.model.parameters(),
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        betas=(0.9, 0.95),
    )
    done = _resumed(progress, policy, optimizer, log) if progress else 0
    mean = math.nan
    for epoch in range(done, config.epochs):
        mean = _train_epoch(policy, optimizer, make_examples(epoch), epoch, config, log, log_every)
        if progress:
            state = RunState(update=epoch + 1, best=0.0, without_improvement=0, offsets={})
            save_checkpoint(progress / f"update-{epoch + 1:06d}", policy, optimizer, state)
            drop_old(progress, keep=1)
    return mean


def _resumed(
    progress: Path, policy: Policy, optimizer: torch.optim.Optimizer, log: Callable[[str], None]
) -> int:
    newest = newest_checkpoint(progress)
    if newest is None:
        return 0
    done = load_checkpoint(newest, policy, optimizer).update
    log(f"going on after epoch {done}")
    return done


def _train_epoch(
    policy: Policy,
    optimizer: torch.optim.Optimizer,
    examples: Sequence[Example],
    epoch: int,
    config: SupervisedConfig,
    log: Callable[[str], None],
    log_every: int,
) -> float:
    random = np.random.default_rng([config.seed, epoch])
    steps = list(batches(examples, config.batch_tokens, random))
    losses: list[float] = []
    began = time.perf_counter()
    policy.model.train()
    for number, batch in enumerate(steps):
        # Epochs may differ in size; the schedule counts them alike.
        rate = _schedule((epoch + number / len(steps)) / config.epochs, config.warmup)
        for group in optimizer.param_groups:
            group["lr"] = config.learning_rate * rate
        with torch.autocast(policy.device.type, torch.bfloat16, enabled=config.autocast):
            loss = supervised_loss(policy, batch)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(policy.model.parameters(), config.max_grad_norm)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        losses.append(loss.item())
        if (number + 1) % log_every == 0 or number + 1 == len(steps):
            elapsed = time.perf_counter() - began
            left = elapsed / (number + 1) * (len(steps) - number - 1)
            log(
                f"epoch {epoch + 1}/{config.epochs}  step {number + 1}/{len(steps)}  "
                f"loss {np.mean(losses[-log_every:]):.3f}  {elapsed:.0f} s, "
                f"about {left:.0f} s left in this epoch"
            )
    policy.model.eval()
    return float(np.mean(losses))


def supervised_loss(policy: Policy, batch: Sequence[Example]) -> Tensor:
    """Mean cross-entropy in nats over the learned tokens; logits are computed only there."""
    width = max(len(example.ids) for example in batch)
    ids = torch.zeros((len(batch), width), dtype=torch.long)
    learned = torch.zeros((len(batch), width), dtype=torch.bool)
    for row, example in enumerate(batch):
        ids[row, : len(example.ids)] = torch.from_numpy(example.ids)
        learned[row, : len(example.ids)] = torch.from_numpy(example.learned)
    ids, learned = ids.to(policy.device), learned.to(policy.device)
    # Padding stands behind, where causal attention never looks: no mask is needed.
    hidden = policy.hidden_states(input_ids=ids)
    logits = policy.logits(hidden[:, :-1][learned[:, 1:]])
    return torch.nn.functional.cross_entropy(logits, ids[:, 1:][learned[:, 1:]])


def _schedule(progress: float, warmup: float) -> float:
    if progress < warmup:
        return progress / warmup
    return 0.1 + 0.45 * (1 + math.cos(math.pi * (progress - warmup) / (1 - warmup)))
