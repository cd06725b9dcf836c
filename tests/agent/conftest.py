"""A small policy with random weights on a small made-up world: real parts, in seconds."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import torch

from igs_agent.policy import Policy
from igs_agent.warmstart.tiny import new_tiny, train_tokenizer
from igs_env.task import Task

sys.path.insert(0, str(Path(__file__).parent))  # for small_world.py and its neighbours

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


@pytest.fixture(scope="session")
def searcher_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Model folder of `small_searcher`."""
    from small_policy import small_searcher

    from igs_agent.weights import write_weights

    folder = tmp_path_factory.mktemp("searcher")
    write_weights(small_searcher(), folder)
    return folder


@pytest.fixture(scope="session")
def small_run(searcher_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a run of two updates with information gain."""
    from small_policy import run_settings

    from igs_agent.config_file import load_config
    from igs_agent.trainer import train

    folder = tmp_path_factory.mktemp("runs") / "small"
    train(load_config(None, run_settings(folder, searcher_folder)))
    return folder
