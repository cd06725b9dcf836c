"""The real pieces, small: a world of 200 documents and a Llama of two layers."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

import torch

from igs_agent.policy import Policy
from igs_agent.warmstart.demonstrations import DemonstrationStyle, demonstrate
from igs_agent.warmstart.examples import episode_example
from igs_agent.warmstart.sft import SupervisedConfig, train_supervised
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


@lru_cache(maxsize=1)
def small_searcher() -> Policy:
    """The small policy after a few seconds of demonstrations: it searches, mostly badly."""
    task, policy = small_task(), small_policy()
    episodes = demonstrate(
        task.rules, task.questions, DemonstrationStyle(good_queries=0.7, vague_queries=0.0)
    )
    train_supervised(
        policy,
        lambda epoch: [episode_example(policy, episode) for episode in episodes],
        SupervisedConfig(epochs=5, learning_rate=3e-3, batch_tokens=2048),
        log=lambda line: None,
    )
    return policy


def run_settings(run: Path, policy: Path, *more: str) -> list[str]:
    """Overrides of a run of a few seconds."""
    return [
        f"run={run}",
        f"policy={policy}",
        f"env.questions={WORLD}",
        "env.protocol=plain",
        "env.top_k=2",
        "env.max_searches=3",
        "env.reward=f1",
        "rollout.questions=3",
        "rollout.group_size=3",
        "rollout.max_tokens=32",
        "updates=2",
        "evaluation.questions=6",
        "evaluation.every=1",
        "checkpoint.every=1",
        "policy.device=cpu",
        *more,
    ]
