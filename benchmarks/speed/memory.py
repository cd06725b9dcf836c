"""Peak memory of one update at SmolLM2-135M's shape, against TRL's, each in a process of its own.

    python -m benchmarks.speed.memory --output benchmarks/speed/results/memory.json

A random Llama of that shape, a group of eight rollouts of four turns, fp32, AdamW with its moments.
Lengths are a tenth of those of the other ratios. Theirs is the real `GRPOTrainer.compute_loss` on
the batch of eight, without and with gradient checkpointing (TRL's default, which costs a second
forward pass); ours is `update_policy` with one rollout at a time, which is what the 1,536 tokens of
the recipe `smollm2-atlas-cpu` come to at full lengths, and with all eight at once. Reported is the
greatest resident memory that the system counted for the process, beside that of a process that
only loads everything. The norm of the gradient must be the same.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.machine import machine
from benchmarks.speed.shapes import DOCUMENTS, OUTPUT, PROMPT, TURNS, rollouts
from benchmarks.speed.update import loss_backward, trainer_of, trl_inputs, whole_batch
from igs_agent.config import LossConfig, OptimConfig
from igs_agent.policy import Policy, load_policy
from igs_agent.signals import TokenBatch
from igs_agent.trained_tokens import trained_log_probs
from igs_agent.update import update_policy

SCALE, MEMBERS = 10, 8
OURS = "ours, one rollout at a time"
SIDES = ("loaded", "trl", "trl, gradient checkpointing", OURS, "ours, all at once")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--side", choices=SIDES, help="measure this one in this process")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    if args.side:
        torch.set_num_threads(1)
        print(json.dumps({"norm": _norm_of_update(args.side)}))
        return
    found = {side: _measured(side) for side in SIDES}
    norms = [row["norm"] for side, row in found.items() if side != "loaded"]
    assert max(norms) - min(norms) < 1e-3 * max(norms), f"gradients differ: {norms}"
    peaks = {side: row["peak_gib"] for side, row in found.items()}
    shares = {side: round(peaks[OURS] / peaks[side], 3) for side in SIDES[1:3]}
    record = {
        "machine": machine(),
        "command": ["python", "-m", "benchmarks.speed.memory", *sys.argv[1:]],
        "shape": f"P{PROMPT} r{OUTPUT} D{DOCUMENTS} / {SCALE}, {TURNS} turns, group {MEMBERS}",
        "rows": found,
        "ours_one_at_a_time_as_a_share_of": shares,
    }
    print(json.dumps(record, indent=1))
    if args.output:
        args.output.write_text(json.dumps(record, indent=1) + "\n")


def _measured(side: str) -> dict[str, float]:
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.speed.memory", "--side", side],
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"{side}: the process did not end well")
    found = {
        **json.loads(said.splitlines()[-1]),
        "peak_gib": round(usage.ru_maxrss / 2**20, 2),
        "cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
    }
    print(side, found, flush=True)
    return found


def _norm_of_update(side: str) -> float:
    """The gradient's norm in an update, 0 where there is none."""
    policy = random_smollm2()
    prompt, output, documents = (length // SCALE for length in (PROMPT, OUTPUT, DOCUMENTS))
    group = rollouts(policy, MEMBERS, prompt=prompt, output=output, documents=documents)
    batch = whole_batch(group)
    optimizer = torch.optim.AdamW(policy.model.parameters(), lr=0.0, weight_decay=0.0)
    _make_moments(policy, optimizer)
    if side == "loaded":
        return 0.0
    if side.startswith("trl"):
        return _theirs(policy, batch, optimizer, prompt, "checkpointing" in side)
    return _ours(policy, batch, optimizer, 1 if side == OURS else 10**6)


def random_smollm2() -> Policy:
    """135M random weights in the shape of HuggingFaceTB/SmolLM2-135M; `tiny`'s tokenizer."""
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=49_152,
        hidden_size=576,
        intermediate_size=1536,
        num_hidden_layers=30,
        num_attention_heads=9,
        num_key_value_heads=3,
        max_position_embeddings=8192,
        tie_word_embeddings=True,
        eos_token_id=1,
        pad_token_id=0,
        bos_token_id=None,
    )
    model = LlamaForCausalLM(config).eval()
    return Policy(model, load_policy("tiny", device="cpu").tokenizer, "plain", "random")


def _make_moments(policy: Policy, optimizer: torch.optim.Optimizer) -> None:
    """AdamW's moments are there from the second update on, which is the one to measure."""
    for parameter in policy.model.parameters():
        parameter.grad = torch.zeros_like(parameter)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def _theirs(
    policy: Policy,
    batch: TokenBatch,
    optimizer: torch.optim.Optimizer,
    prompt: int,
    checkpointing: bool,
) -> float:
    trainer: Any = trainer_of(policy, MEMBERS)
    if checkpointing:
        policy.model.gradient_checkpointing_enable()  # type: ignore[operator]
        policy.model.train()
    loss_backward(trainer, trl_inputs(batch, prompt))
    norm = torch.nn.utils.clip_grad_norm_(policy.model.parameters(), 1.0)
    optimizer.step()
    return float(norm)


def _ours(
    policy: Policy, batch: TokenBatch, optimizer: torch.optim.Optimizer, tokens: int
) -> float:
    stats = update_policy(
        policy,
        optimizer,
        _on_policy(policy, batch),
        LossConfig(),
        OptimConfig(batch_tokens=tokens, max_grad_norm=1.0),
        temperature=1.0,
        groups=[0] * MEMBERS,
    )
    return stats.grad_norm


@torch.no_grad()
def _on_policy(policy: Policy, batch: TokenBatch) -> TokenBatch:
    """With the log-probabilities that sampling would have recorded; a row at a time."""
    old = batch.old_log_probs.clone()
    for row in range(len(batch.ids)):
        values, trained = trained_log_probs(policy, batch.rows([row]), 1.0)
        old[row, : trained.shape[1]][trained[0]] = values
    return replace(batch, old_log_probs=old)


if __name__ == "__main__":
    main()
