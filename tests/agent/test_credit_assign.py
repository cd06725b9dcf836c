"""What an estimator of one's own may get wrong is said before anything is trained."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from scripted_generator import ScriptedGenerator
from small_policy import run_settings
from small_world import small_task

from igs_agent.batch import Credit, CreditError, StepTable
from igs_agent.config import CreditConfig
from igs_agent.config_file import load_config
from igs_agent.credit import ESTIMATORS, make_estimator, signals_of
from igs_agent.credit.assign import assign
from igs_agent.credit.example import table
from igs_agent.generation import Sampling
from igs_agent.measurement import measure_signals
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import step_table
from igs_agent.step_signals import SIGNALS, draws_counterfactuals
from igs_agent.trainer import train
from igs_env.counterfactual import OtherQuestionsSampler
from igs_env.errors import ConfigurationError

STEPS = table(outcome=[1.0, 0.0], group=[0, 0], gain=[[1.0, 0.5], [0.0, 0.2]])


def made(step: Any = None, query: Any = None) -> Callable[[StepTable], Any]:
    """An estimator that returns these, zeros where they are not given."""
    zero = torch.zeros(2, 2)
    return lambda steps: Credit(
        step=zero if step is None else step, query=zero if query is None else query
    )


@pytest.mark.parametrize(
    ("estimator", "said"),
    [
        (lambda steps: torch.zeros(2, 2), "returned Tensor, expected"),
        (lambda steps: None, "returned NoneType"),
        (made(step=torch.zeros(2)), r"step is \(2,\), expected \(2, 2\)"),
        (made(step=torch.zeros(2, 1)), r"step is \(2, 1\)"),
        (made(query=torch.zeros(2, 3)), r"query is \(2, 3\)"),
        (made(query=0.5), "query is float"),
        (
            made(step=torch.tensor([[0.0, 0.0], [0.0, float("nan")]])),
            "step is not finite at rollout 1, step 1",
        ),
    ],
)
def test_what_is_no_credit_is_refused(estimator: Callable[[StepTable], Any], said: str) -> None:
    with pytest.raises(CreditError, match=said):
        assign(estimator, STEPS, ())


def test_a_signal_that_was_not_asked_for_is_not_read_as_nowhere_valid() -> None:
    def forgetful(steps: StepTable) -> Credit:
        return Credit(step=steps.signal("gain").values, query=torch.zeros(2, 2))

    with pytest.raises(ValueError, match=r"estimate\.signals = \('gain',\)"):
        assign(forgetful, STEPS, signals_of(forgetful))
    assert assign(forgetful, STEPS, ("gain",)).step.tolist() == [[1.0, 0.5], [0.0, 0.2]]
    with pytest.raises(CreditError, match=r"no signal 'gains'; choose from: .*gain"):
        assign(forgetful, STEPS, ("gains",))
    forgetful.signals = "gain"  # type: ignore[attr-defined]
    with pytest.raises(ValueError, match="the text 'gain', expected names"):
        signals_of(forgetful)


@pytest.mark.parametrize("name", ESTIMATORS)
def test_every_estimator_asks_for_what_it_reads(name: str) -> None:
    estimator = make_estimator(name)
    credit = assign(estimator, STEPS, signals_of(estimator))
    assert torch.equal(credit.step, estimator(STEPS).step)
    assert torch.equal(credit.query, estimator(STEPS).query)


def test_training_ends_in_one_line_that_names_the_estimator(
    tmp_path: Path, searcher_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "flat_credit.py").write_text(
        "from igs_agent.credit import Credit\n"
        "def flat(steps):\n"
        "    return Credit(step=steps.outcome, query=steps.outcome)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    more = ("updates=1", "credit=flat_credit:flat")
    config = load_config(None, run_settings(tmp_path / "run", searcher_folder, *more))
    with pytest.raises(ConfigurationError, match="credit=flat_credit:flat: the estimator's step"):
        train(config, report=None)


@pytest.mark.parametrize("signal", sorted(SIGNALS))
def test_a_signal_that_is_asked_for_alone_is_measured(signal: str, policy: Policy) -> None:
    def reading(steps: StepTable) -> Credit:
        return Credit(step=steps.signal(signal).values, query=steps.signal(signal).values)

    reading.signals = (signal,)  # type: ignore[attr-defined]
    task = small_task()

    def script(key: str, turn: int) -> str:
        texts = ["founder of Port One", f"rule of {key}"]
        return f"<search> {texts[turn]} </search>" if turn < 2 else "<answer> x </answer>"

    plan = RolloutPlan(questions=task.questions[:3], group_size=2, seed=0)
    generator = ScriptedGenerator(policy, script)
    played = rollout(task.rules, policy, generator, plan, Sampling(max_tokens=64))
    sampler = OtherQuestionsSampler() if draws_counterfactuals((signal,)) else None
    measured = measure_signals(
        played, PolicyScorer(policy, played), reading, sampler, CreditConfig()
    )
    assert step_table(measured).signal(signal).valid.any()


def test_a_signal_that_does_not_exist_is_refused_before_anything_is_played(
    tmp_path: Path, searcher_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "wrong_credit.py").write_text(
        "def wrong(steps):\n    raise AssertionError\nwrong.signals = ('gian',)\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    settings = run_settings(tmp_path / "run", searcher_folder, "credit=wrong_credit:wrong")
    with pytest.raises(ConfigurationError, match=r"'gian' \(did you mean 'gain'\?\)"):
        load_config(None, settings)
