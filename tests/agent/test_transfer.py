"""Transfer to the next query, and the credit that is chained through it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scripted_generator import ScriptedGenerator
from small_world import small_task

from igs_agent.credit.chained_gain import ChainedGain
from igs_agent.credit.example import table
from igs_agent.gains import measure_gains
from igs_agent.generation import Sampling
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import step_table
from igs_agent.text_scorer import CausalLMScorer
from igs_agent.trajectory import Trajectory
from igs_agent.transfer import PROBE, PROBE_END, measure_transfers
from igs_env.contexts import ScoreRequest
from igs_env.counterfactual import OtherQuestionsSampler
from igs_env.errors import ConfigurationError


def played(policy: Policy, protocol: str = "plain") -> list[Trajectory]:
    task = small_task(protocol)

    def script(key: str, turn: int) -> str:
        refine = "<refine> it </refine>" if protocol == "autorefine" and turn else ""
        texts = ["founder of Port One", "rule of Port Two"]
        return f"{refine}<search> {texts[turn]} </search>" if turn < 2 else "<answer> x </answer>"

    plan = RolloutPlan(questions=task.questions[:3], group_size=2, seed=0)
    generator = ScriptedGenerator(policy, script)
    return rollout(task.rules, policy, generator, plan, Sampling(max_tokens=64))


def test_it_is_the_difference_of_the_next_querys_mean_log_probability(policy: Policy) -> None:
    trajectories = played(policy)
    sampler = OtherQuestionsSampler()
    measured = measure_transfers(trajectories, PolicyScorer(policy, trajectories), sampler)
    trajectory = measured[0]
    first, second, last = trajectory.transfers
    assert (second, last) == (None, None)
    batch = [t.episode for t in trajectories]
    fragments = sampler.sample(batch[0], 0, draws=3, batch=batch)
    naive = CausalLMScorer(policy)
    request = ScoreRequest(
        episode=batch[0], step=0, target="rule of Port Two", probe=PROBE, probe_end=PROBE_END
    )
    requests = [request, *(replace(request, replacements={0: f}) for f in fragments)]
    real, *others = [row.mean() for row in naive.token_log_probs(requests)]
    assert first == pytest.approx(real - np.mean(others), abs=1e-4)


def test_refine_blocks_are_refused(policy: Policy) -> None:
    trajectories = played(policy, "autorefine")
    with pytest.raises(ConfigurationError, match="refine"):
        measure_transfers(trajectories, PolicyScorer(policy, trajectories), OtherQuestionsSampler())


def test_it_reaches_the_estimator_as_a_signal(policy: Policy) -> None:
    trajectories = played(policy)
    scorer, sampler = PolicyScorer(policy, trajectories), OtherQuestionsSampler()
    measured = measure_transfers(measure_gains(trajectories, scorer, sampler), scorer, sampler)
    steps = step_table(measured)
    assert steps.signal("transfer").valid.tolist() == [[True, False, False]] * 6
    assert ChainedGain(dead_zone=0.0)(steps).query[:, :2].abs().sum() > 0


def test_credit_is_chained_backwards_through_the_clipped_transfer() -> None:
    steps = table(
        outcome=[0, 0],
        group=[0, 0],
        gain=[[0.0, 0.0, 2.0], [0.0, 0.0, -2.0]],
        transfer=[[0.5, 7.0, None], [0.5, 7.0, None]],
    )
    # 2 · 1 · 0.5 from the right; a negative successor passes nothing on.
    chained = ChainedGain().chained(steps)
    assert chained[0].tolist() == [1.0, 2.0, 2.0]
    assert chained[1].tolist() == [0.0, 0.0, pytest.approx(-0.2)]


def test_gains_are_capped_and_small_ones_count_nothing() -> None:
    steps = table(outcome=[0], group=[0], gain=[[0.4, 9.0]], transfer=[[-1.0, None]])
    assert ChainedGain().chained(steps).tolist() == [[0.0, 3.0]]
