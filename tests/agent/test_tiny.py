"""The shipped small policy: what it is, where it came from, and that it leaves room to learn."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from igs_agent.cli.trained_with import trained_with
from igs_agent.evaluation import evaluate
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import load_policy, tiny_path
from igs_agent.run import subset
from igs_agent.warmstart.build import WarmstartConfig
from igs_env.task import make_task


def test_it_fits_into_a_package() -> None:
    assert sum(path.stat().st_size for path in tiny_path().iterdir()) <= 12e6


def test_it_was_made_by_the_command_with_its_defaults() -> None:
    """`igs warmstart output=…` with nothing else makes it again (35 minutes on two cores)."""
    record = json.loads((tiny_path() / "warmstart.json").read_text(encoding="utf-8"))
    defaults = json.loads(json.dumps(asdict(WarmstartConfig())))
    for name, value in record.items():  # settings that came later change nothing where unset
        if name not in ("output", "final_loss"):
            assert defaults[name] == value, name


@pytest.mark.slow
def test_it_writes_valid_actions_and_leaves_room_to_learn() -> None:
    policy = load_policy("tiny")
    task = make_task(**{**trained_with("tiny").env, "split": "dev", "sampler": "none"})
    result = evaluate(
        task.rules, policy, NativeGenerator(policy), subset(task.questions, 150), max_tokens=40
    )
    assert result.mean("valid_actions") > 0.95
    assert 0.05 < result.mean("exact_match") < 0.45
