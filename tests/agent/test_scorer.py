"""The policy's gain: one packed pass equals scoring every context on its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scripted_generator import ScriptedGenerator
from small_world import small_task
from warm_contexts import warmed

from igs_agent.gains import measure_gains
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.generation.warm import WarmContexts
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.scorer import PolicyScorer
from igs_agent.text_scorer import token_log_probs
from igs_agent.trajectory import Trajectory
from igs_env.contexts import ScoreRequest
from igs_env.counterfactual import OtherQuestionsSampler
from igs_env.errors import ConfigurationError
from igs_env.prompt import render_documents
from igs_env.task import Task
from igs_env.types import Fragment, Search


def played(policy: Policy, protocol: str, questions: int = 4, members: int = 2) -> list[Trajectory]:
    """Episodes of two searches and an answer, refine blocks where the protocol has them."""
    task = small_task(protocol)
    chosen = task.questions[:questions]
    by_id = {q.id: q for q in chosen}

    def script(key: str, turn: int) -> str:
        question = by_id[key.split("/", 2)[2].rpartition("/")[0]]
        refine = (
            f"<refine> {question.text[:20]} {turn} </refine>" if protocol == "autorefine" else ""
        )
        if turn < 2:
            words = question.text.split()
            return f"{refine if turn else ''}<search> {' '.join(words[-2 - turn :])} </search>"
        return f"{refine}<answer> {question.answers[0]} </answer>"

    plan = RolloutPlan(questions=chosen, group_size=members, seed=0)
    generator = ScriptedGenerator(policy, script)
    return rollout(task.rules, policy, generator, plan, Sampling(max_tokens=64))


def naive(
    policy: Policy, trajectory: Trajectory, request: ScoreRequest, refine: list[int]
) -> np.ndarray:
    """The whole sequence of ids written out and scored by itself."""
    turn = trajectory.turns[request.step]
    ids = trajectory.token_ids.tolist()
    if request.step in request.replacements:
        documents = request.replacements[request.step].documents
        shown = policy.encode(render_documents(request.episode.protocol, documents))
        context = ids[: turn.end] + shown + refine
    else:
        context = ids[: turn.observation_end] + refine
    target, span = policy.encode_target(request.probe, request.target, request.probe_end)
    scored = slice(len(context) + span.start, len(context) + span.stop)
    return token_log_probs(policy, [context + target], [scored])[0]


def request_of(trajectory: Trajectory, step: int, fragment: Fragment | None = None) -> ScoreRequest:
    return ScoreRequest(
        episode=trajectory.episode,
        step=step,
        target=trajectory.episode.question.answers[0],
        probe="<answer> ",
        probe_end=" </answer>",
        replacements={} if fragment is None else {step: fragment},
    )


@pytest.mark.parametrize("max_tokens", [1, 700, 100_000])
def test_packed_scores_equal_naive_ones_for_real_and_counterfactual_contexts(
    policy: Policy, max_tokens: int
) -> None:
    trajectories = played(policy, "plain")
    requests, expected = [], []
    for index, trajectory in enumerate(trajectories):
        other = trajectories[(index + 2) % len(trajectories)]
        for step in (1, 0):
            fragment = Fragment(documents=other.episode.steps[step].documents)
            for request in (request_of(trajectory, step), request_of(trajectory, step, fragment)):
                requests.append(request)
                expected.append(naive(policy, trajectory, request, []))
    scored = PolicyScorer(policy, trajectories, max_tokens=max_tokens).token_log_probs(requests)
    for ours, theirs in zip(scored, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-4)


@pytest.mark.parametrize("max_tokens", [1, 300, 100_000])
@pytest.mark.parametrize("held", [8, 3])
def test_what_the_rollout_kept_is_not_read_again_and_changes_no_number(
    policy: Policy, max_tokens: int, held: int
) -> None:
    trajectories = played(policy, "plain")
    assert len(trajectories) == 8
    requests = [
        request_of(trajectory, step, fragment)
        for index, trajectory in enumerate(trajectories)
        for step in (1, 0, -1)
        for fragment in (
            None,
            *(
                Fragment(documents=trajectories[(index + n) % 8].episode.steps[step].documents)
                for n in (2, 4)
                if step >= 0
            ),
        )
    ]
    warm = warmed(policy, trajectories[:held])
    cold, hot = (
        PolicyScorer(policy, trajectories, max_tokens=max_tokens, warm=found)
        for found in (None, warm)
    )
    expected, scored = cold.token_log_probs(requests), hot.token_log_probs(requests)
    for ours, theirs in zip(scored, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    if max_tokens > 300:
        known = {
            tuple(t.token_ids[:n])
            for t in trajectories[:held]
            for n in range(1, t.turns[1].observation_end + 1)
        }
        assert hot.forward_tokens == cold.forward_tokens - len(known)


def test_a_target_that_the_rollout_wrote_itself_is_read_again(policy: Policy) -> None:
    """Its prediction needs a hidden state, which keys and values do not hold."""
    trajectories = played(policy, "plain", questions=2)
    action = trajectories[0].episode.steps[1].action
    assert isinstance(action, Search)
    asked = replace(
        request_of(trajectories[0], 0),
        target=action.query,
        probe="<search> ",
        probe_end=" </search>",
    )
    requests = [asked, request_of(trajectories[0], 1), request_of(trajectories[1], 1)]
    warm = warmed(policy, trajectories)
    expected = PolicyScorer(policy, trajectories).token_log_probs(requests)
    scored = PolicyScorer(policy, trajectories, warm=warm).token_log_probs(requests)
    for ours, theirs in zip(scored, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_gains_of_played_rollouts_are_the_same_over_what_was_kept(policy: Policy) -> None:
    """Turns of sampled noise, rows that were shared, and one that stopped at its limit."""
    task, warm = small_task("plain"), WarmContexts()
    plan = RolloutPlan(questions=task.questions[:3], group_size=3, seed=2)
    generator = NativeGenerator(policy, warm=warm)
    rolled = rollout(task.rules, policy, generator, plan, Sampling(max_tokens=24, temperature=0.7))
    assert len(warm) == 9
    requests = [request_of(t, s) for t in rolled for s in range(-1, len(t.turns) - 1)]
    hot = PolicyScorer(policy, rolled, warm=warm)
    cold = PolicyScorer(policy, rolled)
    scored, expected = (scorer.token_log_probs(requests) for scorer in (hot, cold))
    for ours, theirs in zip(scored, expected, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)
    assert hot.forward_tokens < cold.forward_tokens / 2


def test_only_as_much_is_kept_as_there_is_room_for(policy: Policy) -> None:
    trajectories = played(policy, "plain", questions=2)
    everything = warmed(policy, trajectories)
    assert len(everything) == 4
    some = warmed(policy, trajectories, WarmContexts(limit=everything.bytes - 1))
    assert 0 < len(some) < 4
    assert some.bytes < everything.bytes
    assert not len(warmed(policy, trajectories, WarmContexts(limit=0)))


def test_order_of_requests_does_not_matter(policy: Policy) -> None:
    trajectories = played(policy, "plain")
    requests = [request_of(t, step) for t in trajectories for step in (0, 1)]
    scorer = PolicyScorer(policy, trajectories)
    forward, backward = scorer.token_log_probs(requests), scorer.token_log_probs(requests[::-1])
    for ours, theirs in zip(forward, backward[::-1], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_documents_and_refine_block_are_replaced_jointly(policy: Policy) -> None:
    trajectories = played(policy, "autorefine")
    first, other = trajectories[0], trajectories[-1]
    tokens = other.token_ids[other.turns[1].start : other.turns[1].end].tolist()
    cut = next(n for n in range(len(tokens)) if "</refine>" in policy.decode(tokens[: n + 1])) + 1
    fragment = Fragment(
        documents=other.episode.steps[0].documents,
        refine=policy.decode(tokens[:cut]),
        origin=(other.episode.id, 0),
    )
    request = replace(request_of(first, 0, fragment), through_refine=True)
    (ours,) = PolicyScorer(policy, trajectories).token_log_probs([request])
    np.testing.assert_allclose(ours, naive(policy, first, request, tokens[:cut]), atol=1e-4)
    real = replace(request_of(first, 0), through_refine=True)
    own = first.token_ids[first.turns[1].start : first.turns[1].end].tolist()
    cut = next(n for n in range(len(own)) if "</refine>" in policy.decode(own[: n + 1])) + 1
    (ours,) = PolicyScorer(policy, trajectories).token_log_probs([real])
    np.testing.assert_allclose(ours, naive(policy, first, real, own[:cut]), atol=1e-4)


def test_gain_of_a_search_without_a_refine_block_is_absent_under_autorefine(policy: Policy) -> None:
    trajectories = played(policy, "autorefine")
    cut = [
        replace(t, episode=replace(t.episode, steps=t.episode.steps[:1]), turns=t.turns[:1])
        for t in trajectories
    ]
    measured = measure_gains(cut, PolicyScorer(policy, cut), OtherQuestionsSampler())
    assert [t.gains for t in measured] == [(None,)] * len(cut)


def test_gain_of_identical_documents_is_zero(policy: Policy) -> None:
    trajectory = played(policy, "plain", questions=2)[0]
    step = trajectory.episode.steps[0]
    real = request_of(trajectory, 0)
    same = request_of(trajectory, 0, Fragment(documents=step.documents))
    ours, theirs = PolicyScorer(policy, [trajectory]).token_log_probs([real, same])
    np.testing.assert_allclose(ours, theirs, atol=1e-6)


def test_members_of_a_group_share_the_draws_of_a_turn(policy: Policy) -> None:
    trajectories = played(policy, "plain", questions=4, members=3)
    measured = measure_gains(
        trajectories, PolicyScorer(policy, trajectories), OtherQuestionsSampler(), draws=2
    )
    for start in range(0, 12, 3):
        group = measured[start : start + 3]
        for turn in (0, 1):
            drawn = {t.gains[turn].counterfactual_ids for t in group if t.gains[turn]}
            assert len(drawn) == 1


def test_counterfactual_documents_never_come_from_the_same_question(policy: Policy) -> None:
    trajectories = played(policy, "plain", questions=1, members=3)
    measured = measure_gains(
        trajectories, PolicyScorer(policy, trajectories), OtherQuestionsSampler()
    )
    assert all(t.gains == (None, None, None) for t in measured)


def test_t2_the_target_starts_with_its_leading_space_token(policy: Policy, task: Task) -> None:
    answer = task.questions[0].answers[0]
    ids, span = policy.encode_target("<answer> ", answer, " </answer>")
    assert policy.decode(ids[span]).strip() == answer
    running = policy.encode(f"<answer> {answer} </answer>")
    assert running[: len(ids)] == ids


def test_an_episode_without_a_trajectory_is_named(policy: Policy) -> None:
    trajectory = played(policy, "plain", questions=1, members=1)[0]
    with pytest.raises(ConfigurationError, match="no trajectory of episode"):
        PolicyScorer(policy, []).token_log_probs([request_of(trajectory, 0)])
