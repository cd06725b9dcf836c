"""Ratio 7: multi-turn decoding against transformers' `generate`, greedy, forced lengths.

    python -m benchmarks.speed.rollout

Theirs reads the whole context again at every turn, as a loop around `generate` does. Every row has
a prompt of its own, so that nothing is gained by sharing. Outputs must be equal up to a first
difference that is a near-tie: the two likeliest tokens within 1e-4.
"""

from __future__ import annotations

from functools import partial

import numpy as np
import torch

from benchmarks.speed.ratio import Row, compare
from benchmarks.speed.shapes import DOCUMENTS, PROMPT, TURNS, random_policy
from igs_agent.generation import Request, Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import Policy

NEAR_TIE = 1e-4
CASES = (
    ("re-prefill every turn / ours, outputs of 60", TURNS, 60, 2.0),
    ("re-prefill every turn / ours, outputs of 500", TURNS, 500, 1.3),
    ("generate / ours, one turn of 128", 1, 128, 1.0),
)


def rows(
    *,
    sequences: int = 8,
    rounds: int = 3,
    documents: int = DOCUMENTS,
    cases: tuple[tuple[str, int, int, float], ...] = CASES,
) -> list[Row]:
    """One row per case: (name, turns, tokens per output, target)."""
    policy = endless(random_policy())
    return [
        _row(policy, sequences, rounds, documents, name, turns, output, target)
        for name, turns, output, target in cases
    ]


def _row(
    policy: Policy,
    sequences: int,
    rounds: int,
    documents: int,
    name: str,
    turns: int,
    output: int,
    target: float,
) -> Row:
    rng = np.random.default_rng(3)
    prompts = rng.integers(10, 4000, (sequences, PROMPT)).tolist()
    seen = rng.integers(10, 4000, (turns - 1, sequences, documents)).tolist()
    theirs = partial(_theirs, policy, prompts, seen, output)
    ours = partial(decode, policy, prompts, seen, output)
    _equal_up_to_near_ties(policy, theirs(), ours())
    again = sum(PROMPT + turn * (output + documents) for turn in range(turns))
    once = PROMPT + (turns - 1) * documents
    return compare(
        7,
        name,
        theirs,
        ours,
        target=target,
        tokens=f"{sequences} rows, {turns * output} decoded, prefilled {again} / {once} each",
        rounds=rounds,
    )


def endless(policy: Policy) -> Policy:
    """The end token's logit is 0, never the greatest of thousands: lengths are then forced."""
    with torch.no_grad():
        policy.model.get_input_embeddings().weight[list(policy.eos_ids)] = 0.0  # type: ignore[operator]
    return policy


def decode(
    policy: Policy, prompts: list[list[int]], seen: list[list[list[int]]], output: int
) -> list[list[int]]:
    generator = NativeGenerator(policy)
    contexts = [list(prompt) for prompt in prompts]
    for turn in range(len(seen) + 1):
        requests = [
            Request(key=str(row), token_ids=ids, seed=0, turn=turn)
            for row, ids in enumerate(contexts)
        ]
        done = generator.generate(requests, Sampling(temperature=0.0, max_tokens=output))
        for row, completion in enumerate(done):
            assert len(completion.token_ids) == output
            contexts[row] += completion.token_ids
            contexts[row] += seen[turn][row] if turn < len(seen) else []
    return contexts


@torch.no_grad()
def _theirs(
    policy: Policy, prompts: list[list[int]], seen: list[list[list[int]]], output: int
) -> list[list[int]]:
    contexts = [list(prompt) for prompt in prompts]
    for turn in range(len(seen) + 1):
        ids = torch.tensor(contexts, device=policy.device)
        found = policy.model.generate(  # type: ignore[operator]
            ids,
            attention_mask=torch.ones_like(ids),
            do_sample=False,
            max_new_tokens=output,
            min_new_tokens=output,
            pad_token_id=0,
        )
        contexts = found.tolist()
        if turn < len(seen):
            contexts = [ids + seen[turn][row] for row, ids in enumerate(contexts)]
    return contexts


@torch.no_grad()
def _equal_up_to_near_ties(policy: Policy, theirs: list[list[int]], ours: list[list[int]]) -> None:
    for left, right in zip(theirs, ours, strict=True):
        differ = next((i for i, (a, b) in enumerate(zip(left, right, strict=True)) if a != b), None)
        if differ is None:
            continue
        hidden = policy.hidden_states(input_ids=torch.tensor([left[:differ]], device=policy.device))
        first, second = policy.logits(hidden[0, -1:])[0].topk(2).values.tolist()
        assert first - second < NEAR_TIE, f"outputs differ at {differ} by {first - second}"


if __name__ == "__main__":
    torch.set_num_threads(1)
    rows()
