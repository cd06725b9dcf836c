"""Supervised training on examples: cross-entropy on the learned tokens."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from igs_agent.policy import Policy
from igs_agent.warmstart.examples import Example, batches


@dataclass(frozen=True, slots=True, kw_only=True)
class SupervisedConfig:
    """Settings of supervised training."""

    epochs: int = 1
    learning_rate: float = 2e-5
    """Peak; 1e-3 for a small model from nothing."""
    warmup: float = 0.03
    """Share of the steps in which the rate rises linearly; it then falls as a cosine to a tenth."""
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
    log: Callable[[str], None] = tell,
    log_every: int = 50,
) -> list[float]:
    """Train the policy's model in place; mean loss per learned token of every step.

    Args:
        policy: its model is trained.
        make_examples: epoch number → that epoch's examples.
        config: settings.
        log: takes a line of progress.
        log_every: steps between lines.
    """
    torch.manual_seed(config.seed)
    random = np.random.default_rng(config.seed)
    model = policy.model.train()
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=config.learning_rate,
        weight_decay=config.weight_decay,
        betas=(0.9, 0.95),
    )
    losses: list[float] = []
    total = 0
    began = time.perf_counter()
    for epoch in range(config.epochs):
        steps = list(batches(make_examples(epoch), config.batch_tokens, random))
        total = total or len(steps) * config.epochs
        for batch in steps:
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * _schedule(len(losses) / total, config.warmup)
            with torch.autocast(policy.device.type, torch.bfloat16, enabled=config.autocast):
                loss = supervised_loss(policy, batch)
            loss.backward()  # type: ignore[no-untyped-call]
            torch.nn.utils.clip_grad_norm_(model.parameters(), config.max_grad_norm)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.item())
            if len(losses) % log_every == 0:
                elapsed = time.perf_counter() - began
                left = elapsed / len(losses) * (total - len(losses))
                log(
                    f"step {len(losses)}/{total}  loss {np.mean(losses[-log_every:]):.3f}  "
                    f"{elapsed:.0f} s, about {left:.0f} s left"
                )
    model.eval()
    return losses


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
