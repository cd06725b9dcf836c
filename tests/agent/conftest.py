"""A small policy with random weights on a small made-up world: real parts, in seconds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from igs_agent.policy import Policy
from igs_agent.warmstart.tiny import new_tiny, train_tokenizer
from igs_env.task import Task

sys.path.insert(0, str(Path(__file__).parent))

from small_world import small_task


@pytest.fixture(autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def task() -> Task:
    return small_task()


@pytest.fixture(scope="session")
def policy(task: Task) -> Policy:
    texts = [f"{task.corpus[i].title}: {task.corpus[i].text}" for i in range(len(task.corpus))]
    texts += [f"<search> {q.text} </search> <answer> x </answer>" for q in task.questions]
    return new_tiny(train_tokenizer(texts * 2, 600), width=64, layers=2, context=768, seed=1)
