"""Ratio 5: TRL's own GRPO loss, forward and backward, against ours on the same batch.

    python -m benchmarks.speed.update --members 8 --scale 2 --rounds 2

TRL's real `GRPOTrainer.compute_loss` (a padded batch, document tokens masked by `tool_mask`),
called on rollouts of given lengths with given advantages, `loss_type="bnpo"` (a token mean), no KL,
without gradient checkpointing, and once more with it, as TRL's default has it.
It also computes entropies, as it always does; ours reports its estimate from the same
log-probabilities. The gradients are compared in the same run. A scale divides the lengths of
prompt, outputs and documents alike.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from functools import partial
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from datasets import Dataset
from torch import Tensor
from trl import GRPOConfig, GRPOTrainer

from benchmarks.speed.ratio import Row, compare
from benchmarks.speed.shapes import DOCUMENTS, OUTPUT, PROMPT, TURNS, random_policy, rollouts
from igs_agent.loss import clipped_surrogate, token_mean
from igs_agent.policy import Policy
from igs_agent.signals import TokenBatch
from igs_agent.trained_tokens import trained_log_probs
from igs_agent.trajectory import Trajectory

CASES = ((8192, 3.0, False), (49_152, 6.0, False), (8192, None, True))
"""(vocabulary, target, whether TRL recomputes activations, which is its default)."""


def rows(*, members: int = 8, rounds: int = 3, scale: int = 1) -> list[Row]:
    """One row per case."""
    return [
        _row(vocabulary, target, checkpointing, members, rounds, scale)
        for vocabulary, target, checkpointing in CASES
    ]


def _row(
    vocabulary: int,
    target: float | None,
    checkpointing: bool,
    members: int,
    rounds: int,
    scale: int,
) -> Row:
    policy = random_policy(vocabulary)
    prompt, output, documents = (length // scale for length in (PROMPT, OUTPUT, DOCUMENTS))
    group = rollouts(policy, members, prompt=prompt, output=output, documents=documents)
    batch = whole_batch(group)
    trainer = trainer_of(policy, members)
    theirs = partial(loss_backward, trainer, trl_inputs(batch, prompt))
    if checkpointing:
        theirs = partial(_recomputing, policy, theirs)
    ours = partial(on_policy_backward, policy, batch)
    error = _relative_error(_gradient(policy, theirs), _gradient(policy, ours))
    assert error < 1e-5, f"gradients differ by {error}"
    trained = int(batch.trained.sum())
    return compare(
        5,
        f"TRL's GRPO loss{', gradient checkpointing,' if checkpointing else ''} / ours, forward "
        f"and backward, vocabulary {vocabulary}",
        theirs,
        ours,
        target=target,
        tokens=(
            f"P{prompt} r{output} D{documents}, {TURNS} turns, group {members}: padded "
            f"{batch.ids.numel()}, trained {trained}, gradient error {error:.1e}"
        ),
        rounds=rounds,
    )


def whole_batch(group: list[Trajectory]) -> TokenBatch:
    width = max(len(t.token_ids) for t in group)

    def stacked(parts: list[Any], dtype: torch.dtype) -> Tensor:
        found = torch.zeros(len(parts), width, dtype=dtype)
        for row, part in enumerate(parts):
            found[row, : len(part)] = torch.as_tensor(part, dtype=dtype)
        return found

    trained = stacked([t.is_policy for t in group], torch.bool)
    rewards = torch.tensor([t.reward for t in group])
    advantages = (rewards - rewards.mean()) / rewards.std()
    return TokenBatch(
        ids=stacked([t.token_ids for t in group], torch.long),
        lengths=torch.tensor([len(t.token_ids) for t in group]),
        trained=trained,
        old_log_probs=torch.zeros(trained.shape),
        advantages=advantages[:, None] * trained,
    )


def trl_inputs(batch: TokenBatch, prompt: int) -> dict[str, Tensor]:
    """The batch in TRL's terms; without old log-probabilities, it takes its own, detached."""
    columns = torch.arange(batch.ids.shape[1])
    there = (columns < batch.lengths[:, None]).long()
    return {
        "prompt_ids": batch.ids[:, :prompt],
        "prompt_mask": there[:, :prompt],
        "completion_ids": batch.ids[:, prompt:],
        "completion_mask": there[:, prompt:],
        "tool_mask": batch.trained[:, prompt:].long(),
        "advantages": batch.advantages.sum(1) / batch.trained.sum(1),
        "num_items_in_batch": batch.trained.sum(),
    }


def loss_backward(trainer: Any, inputs: dict[str, Tensor]) -> None:
    trainer.compute_loss(trainer.model, inputs).backward()


def on_policy_backward(policy: Policy, batch: TokenBatch) -> None:
    """Ours, of a whole batch at once."""
    log_probs, trained = trained_log_probs(policy, batch, 1.0)
    per_token = clipped_surrogate(
        log_probs, log_probs.detach(), batch.advantages[trained].to(log_probs.device)
    )
    every = torch.ones_like(per_token, dtype=torch.bool)
    token_mean(per_token, every, float(trained.sum())).backward()  # type: ignore[no-untyped-call]


def _recomputing(policy: Policy, work: Callable[[], None]) -> None:
    """With gradient checkpointing, which layers use in training mode only."""
    model: Any = policy.model
    model.gradient_checkpointing_enable()
    model.train()
    work()
    model.gradient_checkpointing_disable()
    model.eval()


def _gradient(policy: Policy, backward: Any) -> Tensor:
    policy.model.zero_grad(set_to_none=True)
    backward()
    found = [p.grad.flatten() for p in policy.model.parameters() if p.grad is not None]
    policy.model.zero_grad(set_to_none=True)
    return torch.cat(found)


def _relative_error(theirs: Tensor, ours: Tensor) -> float:
    return float((theirs - ours).norm() / theirs.norm())


def trainer_of(policy: Policy, members: int) -> Any:
    settings = GRPOConfig(
        output_dir=tempfile.mkdtemp(),
        use_cpu=not torch.cuda.is_available(),
        bf16=False,
        report_to=[],
        beta=0.0,
        loss_type="bnpo",
        num_generations=members,
        per_device_train_batch_size=members,
        gradient_checkpointing=False,
    )
    trainer = GRPOTrainer(
        model=policy.model,
        reward_funcs=lambda completions, **_: [0.0] * len(completions),
        args=settings,
        train_dataset=Dataset.from_list([{"prompt": "q"}]),
        processing_class=policy.tokenizer,
    )
    trainer.current_gradient_accumulation_steps = 1
    return trainer


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--members", type=int, default=8)
    parser.add_argument("--scale", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=3)
    torch.set_num_threads(1)
    rows(**vars(parser.parse_args()))
