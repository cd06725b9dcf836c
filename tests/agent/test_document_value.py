"""A document's worth, by hand and by what must not change it."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from scripted_generator import ScriptedGenerator
from small_world import small_task

from igs_agent.document_value import belief_gain, document_values, nats_gain
from igs_agent.generation import Sampling
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.signals import step_table
from igs_agent.trajectory import Trajectory
from igs_env.types import Document, InformationGain

FOUND = {0: ("bridge", "goal"), 1: ("bridge", "noise"), 2: ("noise", "noise")}
"""Rollout → what its searches bring."""
GAINS = {0: (0.0, 3.0), 1: (0.2, None), 2: (0.0, 0.0)}
REWARDS = {0: 1.0, 1: 0.0, 2: 0.0}


def gained(value: float | None) -> InformationGain | None:
    if value is None:
        return None
    return InformationGain(
        value=value,
        log_prob_real=value,
        log_probs_counterfactual=(0.0,),
        stderr=0.0,
        counterfactual_ids=(("x",),),
        source="test",
        scorer="test",
        answer_in_counterfactual=False,
    )


@pytest.fixture(scope="module")
def played(policy: Policy) -> list[Trajectory]:
    """One question, three rollouts of two searches and an answer, as the tables above say."""

    def script(key: str, turn: int) -> str:
        return "<answer> nothing </answer>" if turn == 2 else f"<search> port {turn} </search>"

    task = small_task("plain")
    found = rollout(
        task.rules,
        policy,
        ScriptedGenerator(policy, script),
        RolloutPlan(questions=task.questions[:1], group_size=3, seed=0),
        Sampling(max_tokens=64),
    )
    return [made(trajectory, row) for row, trajectory in enumerate(found)]


def made(trajectory: Trajectory, row: int) -> Trajectory:
    steps = list(trajectory.episode.steps)
    for number, name in enumerate(FOUND[row]):
        document = Document(id=name, title="", text=name)
        steps[number] = replace(steps[number], documents=(document,))
    return replace(
        trajectory,
        episode=replace(trajectory.episode, steps=tuple(steps)),
        reward=REWARDS[row],
        gains=(*map(gained, GAINS[row]), None),
    )


def test_values_are_those_of_the_formula(played: list[Trajectory]) -> None:
    # Worth from the first step on, γ = ½: rollout 0 has ½ + ½·1 (a gain of 3 is capped), 1 and 2
    # none, since a gain of .2 is below the threshold.
    values = document_values(played, gain_share=0.5)
    bridge = (1.0 + 0.0) / 3 - 0.0 / 2
    noise = (0.0 + 0.0) / 3 - 1.0 / 2
    goal = 1.0 / 2 - 0.0 / 3
    assert values[0] == pytest.approx([bridge, goal, None])
    assert values[1] == pytest.approx([bridge, noise, None])
    # Brought a second time it is nothing new.
    assert values[2] == pytest.approx([noise, 0.0, None])


def test_by_belief_an_improbable_answer_s_nats_are_nothing(played: list[Trajectory]) -> None:
    measured = gained(3.0)
    assert measured is not None
    likely = replace(measured, log_prob_real=math.log(0.9), log_probs_counterfactual=(-3.0,))
    improbable = replace(measured, log_prob_real=-9.0, log_probs_counterfactual=(-12.0,))
    assert belief_gain(likely) == pytest.approx(0.9 - math.exp(-3.0))
    assert belief_gain(improbable) < 2e-4 < nats_gain(improbable) == nats_gain(measured) == 1.0
    assert belief_gain(replace(likely, log_probs_counterfactual=(0.0,))) == 0.0
    best = replace(played[0], reward=0.0, gains=(None, likely, None))
    (values, *_) = document_values([best, *played[1:]], gain_share=1.0, gain=belief_gain)
    # Rollout 1 found the bridge too, and has no gain worth the name.
    others = sum(belief_gain(g) for g in played[1].gains if g is not None)
    assert others == pytest.approx(math.exp(0.2) - 1.0)
    assert values[0] == pytest.approx((belief_gain(likely) + others) / 3)
    assert values[1] == pytest.approx(belief_gain(likely) / 2 - others / 3)


def test_by_the_outcome_alone_gains_do_not_count(played: list[Trajectory]) -> None:
    bare = [replace(trajectory, gains=()) for trajectory in played]
    assert document_values(bare, gain_share=0.0) == document_values(played, gain_share=0.0)


def test_worth_counts_from_where_the_document_was_found(played: list[Trajectory]) -> None:
    # Rollout 0's gain came before: what is found afterwards had no part in it.
    early = replace(played[0], reward=0.0, gains=(gained(3.0), gained(0.0), None))
    values = document_values([early, *played[1:]], gain_share=1.0)
    assert values[0][0] == pytest.approx((1.0 + 0.0) / 3)
    assert values[0][1] == 0.0


def test_other_questions_and_failed_retrievals_have_no_part(played: list[Trajectory]) -> None:
    values = document_values(played, gain_share=0.5)
    other = [
        replace(t, episode=replace(t.episode, group_id="other"), reward=1.0) for t in played[1:]
    ]
    assert document_values([*other, *played], gain_share=0.5)[2:] == values
    steps = (replace(played[0].episode.steps[0], retrieval_failed=True),)
    failed = replace(played[0], episode=replace(played[0].episode, steps=steps))
    found = document_values([*played, failed], gain_share=0.5)
    assert found[:3] == values
    assert set(found[3]) == {None}


def test_the_order_of_rollouts_does_not_matter(played: list[Trajectory]) -> None:
    values = document_values(played, gain_share=0.5)
    assert document_values(played[::-1], gain_share=0.5) == values[::-1]


def test_the_step_table_has_both(played: list[Trajectory]) -> None:
    table = step_table(played)
    for name, share in (("document_value", 0.5), ("document_outcome", 0.0)):
        signal = table.signal(name)
        assert signal.valid.tolist() == [[True, True, False]] * 3
        rows = document_values(played, gain_share=share)
        expected = [value or 0.0 for row in rows for value in row]
        assert signal.values.flatten().tolist() == pytest.approx(expected)
