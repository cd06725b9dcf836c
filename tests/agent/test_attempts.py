"""Attempts in one context: how they are played, and how MR-Search credits them."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policy import small_searcher, small_task

from igs_agent.batch import StepTable
from igs_agent.credit import make_estimator
from igs_agent.credit.example import table
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.rollout import RolloutPlan, planned_episodes, play_attempts, rollout
from igs_agent.signals import step_table
from igs_agent.trajectory import Trajectory

FEW = settings(max_examples=25, deadline=None)


@st.composite
def chains(draw: st.DrawFn) -> StepTable:
    """Rollouts of two questions with one to three attempts each, some of which do not count."""
    counts = draw(st.lists(st.integers(1, 3), min_size=2, max_size=5))
    attempt = [number for count in counts for number in range(count)]
    parent = [row - 1 if number else -1 for row, number in enumerate(attempt)]
    group = [index % 2 for index, count in enumerate(counts) for _ in range(count)]
    rewards = st.integers(0, 8).map(lambda eighths: eighths / 8)
    rows = len(attempt)
    return table(
        outcome=draw(st.lists(rewards, min_size=rows, max_size=rows)),
        group=group,
        attempt=attempt,
        parent=parent,
        steps=draw(st.lists(st.integers(1, 3), min_size=rows, max_size=rows)),
        outcome_valid=draw(st.lists(st.booleans(), min_size=rows, max_size=rows)),
    )


def played(attempts: int) -> list[Trajectory]:
    task, policy = small_task(), small_searcher()
    plan = RolloutPlan(questions=task.questions[:2], group_size=2, seed=5)
    sampling = Sampling(max_tokens=32)
    return play_attempts(
        task.rules,
        policy,
        NativeGenerator(policy),
        planned_episodes(task.rules, plan),
        sampling,
        attempts=attempts,
    )


def test_an_attempt_reads_the_one_before_and_then_the_question_again() -> None:
    trajectories = played(2)
    assert [t.attempt for t in trajectories] == [0, 1] * 4
    for before, after in pairwise(trajectories):
        if after.attempt == 0:
            continue
        assert after.previous == before.episode.id
        first = trajectories[0].episode.protocol
        question = f"Question: {after.episode.question.text}\n"
        assert after.episode.prompt == before.episode.transcript + first.retry + question
        assert after.episode.group_id == before.episode.group_id
    assert len({t.episode.id for t in trajectories}) == len(trajectories)


def test_a_full_context_ends_the_attempts() -> None:
    trajectories = played(9)
    last = [t for t, after in pairwise([*trajectories, trajectories[0]]) if after.attempt == 0]
    assert len(last) == 4
    assert all(t.overflowed or t.attempt == 8 for t in last)
    assert any(t.overflowed for t in last)
    rows = step_table(trajectories)
    assert torch.isfinite(make_estimator("mr_search")(rows).step).all()


def test_attempts_draw_anew() -> None:
    outputs = [[step.output for step in t.episode.steps] for t in played(2)]
    assert any(first != second for first, second in zip(outputs[::2], outputs[1::2], strict=True))


def test_one_attempt_is_a_rollout() -> None:
    task, policy = small_task(), small_searcher()
    plan = RolloutPlan(questions=task.questions[:2], group_size=2, seed=5)
    plain = rollout(task.rules, policy, NativeGenerator(policy), plan, Sampling(max_tokens=32))
    assert [t.token_ids.tolist() for t in played(1)] == [t.token_ids.tolist() for t in plain]


def test_the_step_table_knows_attempts_and_what_they_go_on_from() -> None:
    rows = step_table(played(2))
    assert rows.attempt.tolist() == [0, 1] * 4
    assert rows.parent.tolist() == [-1, 0, -1, 2, -1, 4, -1, 6]


def test_a_success_is_shared_with_the_attempts_before_it() -> None:
    rows = table(
        outcome=[0, 1, 0, 0],
        group=[0, 0, 0, 0],
        attempt=[0, 1, 0, 1],
        parent=[-1, 0, -1, 2],
    )
    half = make_estimator("mr_search", {"discount": 0.5})(rows)
    assert half.step[:, 0].tolist() == [0.5 * (1 - 0), 1 - 0, 0.5 * (0 - 1), 0 - 1]


@FEW
@given(rows=chains())
def test_with_one_attempt_mr_search_is_rloo(rows: StepTable) -> None:
    one = replace(
        rows, attempt=torch.zeros_like(rows.attempt), parent=torch.full_like(rows.parent, -1)
    )
    found, expected = make_estimator("mr_search")(one), make_estimator("rloo")(one)
    torch.testing.assert_close(found.step, expected.step, atol=1e-12, rtol=0)


@FEW
@given(rows=chains(), data=st.data())
def test_the_order_of_attempts_does_not_matter(rows: StepTable, data: st.DataObject) -> None:
    order = torch.tensor(data.draw(st.permutations(range(len(rows.group)))))
    place = torch.argsort(order)
    parent = torch.where(rows.parent >= 0, place[rows.parent.clamp(min=0)], -1)[order]
    names = ("group", "outcome", "outcome_valid", "valid", "attempt", "query_length", "observation")
    shuffled = replace(
        rows, parent=parent, signals={}, **{name: getattr(rows, name)[order] for name in names}
    )
    before, after = make_estimator("mr_search")(rows), make_estimator("mr_search")(shuffled)
    torch.testing.assert_close(after.step, before.step[order], atol=1e-12, rtol=0)


@FEW
@given(rows=chains(), shift=st.sampled_from([-0.5, 2.0]))
def test_only_differences_between_rollouts_count(rows: StepTable, shift: float) -> None:
    moved = replace(rows, outcome=rows.outcome + shift)
    before, after = make_estimator("mr_search")(rows), make_estimator("mr_search")(moved)
    torch.testing.assert_close(after.step, before.step, atol=1e-9, rtol=0)
