"""A policy that was trained with information gain costs nothing more to ask."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from small_policy import small_searcher, small_task
from torch import nn
from torch.nn.modules.module import register_module_forward_hook

from igs_agent.checkpoint import policy_source
from igs_agent.cli import main
from igs_agent.gains import measure_gains
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import load_policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.run import subset
from igs_agent.scorer import PolicyScorer
from igs_agent.text_scorer import CausalLMScorer
from igs_env.counterfactual import OtherQuestionsSampler
from igs_env.scorers import StatisticalScorer


@contextmanager
def tokens_through_the_model() -> Iterator[list[int]]:
    """Counts of ids that any embedding looks up, call by call."""
    counts: list[int] = []

    def count(module: nn.Module, inputs: tuple[object, ...], output: object) -> None:
        if isinstance(module, nn.Embedding) and isinstance(inputs[0], torch.Tensor):
            counts.append(inputs[0].numel())

    handle = register_module_forward_hook(count)
    try:
        yield counts
    finally:
        handle.remove()


@pytest.fixture
def no_scorer(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever constructs a scorer fails the test."""

    def refused(self: object, *arguments: object, **options: object) -> None:
        raise AssertionError(f"a {type(self).__name__} was constructed")

    for kind in (PolicyScorer, CausalLMScorer, StatisticalScorer):
        monkeypatch.setattr(kind, "__init__", refused)


@pytest.fixture(params=["ig_search", "grpo"])
def run(request: pytest.FixtureRequest, small_run: Path, tmp_path: Path) -> Path:
    """Runs with equal weights that say to have been trained with either."""
    shutil.copytree(small_run, tmp_path / "run")
    config = tmp_path / "run" / "config.toml"
    text = config.read_text()
    assert 'name = "ig_search"' in text
    config.write_text(text.replace('name = "ig_search"', f'name = "{request.param}"'))
    return tmp_path / "run"


def ask(run: Path) -> int:
    question = subset(small_task("dev").questions, 1)[0].text
    return main(["ask", question, "--policy", str(run), "--device", "cpu"])


def evaluate(run: Path) -> int:
    return main(["eval", "--policy", str(run), "--limit", "1", "--device", "cpu"])


@pytest.mark.usefixtures("no_scorer")
@pytest.mark.parametrize("verb", [ask, evaluate])
def test_no_scorer_is_made_and_only_generation_reads_tokens(
    run: Path, verb: Callable[[Path], int]
) -> None:
    with tokens_through_the_model() as counts:
        assert verb(run) == 0
    policy, task = load_policy(policy_source(str(run)), device="cpu"), small_task("dev")
    generator, greedy = NativeGenerator(policy), Sampling(temperature=0.0, max_tokens=32)
    plan = RolloutPlan(questions=subset(task.questions, 1), group_size=1, seed=0)
    with tokens_through_the_model() as bare:
        rollout(task.rules, policy, generator, plan, greedy)
    assert sum(counts) == sum(bare) == generator.forward_tokens > 0


def test_scoring_gains_is_seen_by_this_count() -> None:
    """Otherwise the test above could not fail."""
    policy, task = small_searcher(), small_task()
    plan = RolloutPlan(questions=task.questions[:4], group_size=2, seed=0)
    played = rollout(task.rules, policy, NativeGenerator(policy), plan, Sampling(max_tokens=32))
    scorer = PolicyScorer(policy, played)
    with tokens_through_the_model() as counts:
        measure_gains(played, scorer, OtherQuestionsSampler())
    assert sum(counts) == scorer.forward_tokens > 0
