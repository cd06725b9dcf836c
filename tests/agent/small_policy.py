"""The real pieces, small: a world of 200 documents and a Llama of two layers."""

from __future__ import annotations

from functools import lru_cache

import torch

from igs_agent.policy import Policy
from igs_agent.warmstart.tiny import new_tiny, train_tokenizer
from igs_env.task import Task, make_task

WORLD = "fiction:documents=200,facts=1,words=0,hops=1-2,seed=3"


@lru_cache(maxsize=2)
def small_task(split: str = "train") -> Task:
    """Questions of one and two hops in the `plain` protocol; no gain is measured."""
    return make_task(
        questions=WORLD, split=split, protocol="plain", sampler="none", top_k=2, max_searches=3
    )


@lru_cache(maxsize=1)
def small_tokenizer() -> object:
    """BPE over the world's documents and the control tags."""
    documents = [f"{d.title}: {d.text}" for d in (small_task().corpus[i] for i in range(200))]
    tags = ["<search> a </search>\n<information>\n</information>\n<answer> b </answer>"] * 20
    questions = [question.text for question in small_task().questions]
    return train_tokenizer([*documents, *tags, *questions], vocabulary=600)


def small_policy(*, seed: int = 0, context: int = 512) -> Policy:
    """An untrained policy: its outputs are noise, which is what hostile outputs look like."""
    return new_tiny(small_tokenizer(), width=64, layers=2, context=context, seed=seed)


def adamw(policy: Policy) -> torch.optim.Optimizer:
    """An optimiser over the policy's trainable parameters."""
    return torch.optim.AdamW([p for p in policy.model.parameters() if p.requires_grad], lr=1e-2)


def train_a_little(policy: Policy, optimizer: torch.optim.Optimizer, *, seed: int) -> None:
    """One optimiser step on random gradients, so that every state is filled."""
    generator = torch.Generator().manual_seed(seed)
    for group in optimizer.param_groups:
        for parameter in group["params"]:
            parameter.grad = torch.randn(parameter.shape, generator=generator)
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)
