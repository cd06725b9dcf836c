"""Rows of `episodes.jsonl`: everything about an episode can be put together again."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import lru_cache

import numpy as np
import torch
from scripted_generator import ScriptedGenerator
from small_policy import small_policy, small_task

from igs_agent.batch import Credit
from igs_agent.credit import make_estimator
from igs_agent.episodes import episode_row, rollout_metrics
from igs_agent.gains import measure_gains
from igs_agent.generation import Sampling
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import step_table
from igs_agent.tracking.jsonl import json_line
from igs_agent.trajectory import Provenance, Trajectory
from igs_env.components import find_component
from igs_env.counterfactual import SAMPLERS

TASK = small_task()
QUESTIONS = [
    next(q for q in TASK.questions if q.hops == 2),
    next(q for q in TASK.questions if q.hops == 1),
]


def script(key: str, turn: int) -> str:
    """The first question is solved; the second one's first output is no action."""
    place = int(key.split("/")[1])
    queries = QUESTIONS[place].metadata["queries"]
    turn -= place
    if turn < 0:
        return "what now"
    if turn < len(queries):
        return f"<search> {queries[turn]} </search>"
    return f"<answer> {QUESTIONS[place].answers[0]} </answer>"


@lru_cache(maxsize=1)
def measured() -> tuple[list[Trajectory], Credit]:
    policy = small_policy()
    plan = RolloutPlan(questions=QUESTIONS, group_size=2, seed=0)
    played = rollout(
        TASK.rules, policy, ScriptedGenerator(policy, script), plan, Sampling(max_tokens=64)
    )
    sampler = find_component("sampler", "other_questions", SAMPLERS)(TASK.corpus, TASK.rules)
    trajectories = measure_gains(played, PolicyScorer(policy, played), sampler, draws=2)
    return trajectories, make_estimator("ig_search")(step_table(trajectories))


def test_a_row_survives_its_file() -> None:
    trajectories, credit = measured()
    row = episode_row(trajectories[0], credit, 0)
    assert json.loads(json_line(row)) == json.loads(json.dumps(row))


def test_who_wrote_a_token_follows_from_the_turns() -> None:
    trajectories, credit = measured()
    for index, trajectory in enumerate(trajectories):
        row = episode_row(trajectory, credit, index)
        provenance = np.full(len(row["tokens"]), Provenance.PROMPT)
        for start, end, observation_end, _, _ in row["turns"]:
            provenance[start:end] = Provenance.POLICY
            provenance[end:observation_end] = Provenance.ENVIRONMENT
        assert (provenance == trajectory.provenance).all()
        written = provenance == Provenance.POLICY
        assert len(row["log_probs"]) == written.sum()
        np.testing.assert_allclose(row["log_probs"], trajectory.log_probs[written], atol=5e-5)


def test_the_query_tokens_are_those_of_the_query() -> None:
    trajectories, credit = measured()
    row = episode_row(trajectories[0], credit, 0)
    policy = small_policy()
    for step, (_, _, _, left, right) in zip(row["steps"], row["turns"], strict=True):
        text = policy.decode(row["tokens"][left:right]).strip()
        assert text == (step["text"] if step["action"] == "search" else "")


def test_steps_say_what_was_done_and_what_it_was_worth() -> None:
    trajectories, credit = measured()
    row = episode_row(trajectories[2], credit, 2)
    assert [step["action"] for step in row["steps"]] == ["invalid", "search", "answer"]
    invalid, search, answer = row["steps"]
    assert (invalid["gain"], answer["gain"], answer["text"]) == (
        None,
        None,
        QUESTIONS[1].answers[0],
    )
    gain = trajectories[2].gains[1]
    assert gain is not None
    assert search["gain"] == gain.log_prob_real - sum(search["log_probs_counterfactual"]) / 2
    assert len(search["counterfactual_ids"]) == 2
    others = {d.id for t in trajectories[:2] for s in t.episode.steps for d in s.documents}
    assert {id for draw in search["counterfactual_ids"] for id in draw} <= others
    assert search["documents"] == [d.id for d in trajectories[2].episode.steps[1].documents]


def test_credit_is_the_rows_own() -> None:
    trajectories, _ = measured()
    numbers = torch.arange(4 * 4, dtype=torch.float64).reshape(4, 4)
    credit = Credit(step=numbers, query=-numbers)
    row = episode_row(trajectories[2], credit, 2)
    assert [step["credit"] for step in row["steps"]] == [8.0, 9.0, 10.0]
    assert [step["query_credit"] for step in row["steps"]] == [-8.0, -9.0, -10.0]


def test_metrics_are_means_over_the_rollouts() -> None:
    trajectories, _ = measured()
    metrics = rollout_metrics(trajectories)
    assert metrics["rollout/exact_match"] == metrics["rollout/recall"] == 1.0
    assert metrics["rollout/searches"] == (2 + 2 + 1 + 1) / 4
    assert metrics["rollout/valid_actions"] == (3 + 3 + 2 + 2) / (3 + 3 + 3 + 3)
    gains = [gain for t in trajectories for gain in t.gains if gain is not None]
    assert len(gains) == 6
    np.testing.assert_allclose(
        metrics["gain/log_prob_real"], sum(gain.log_prob_real for gain in gains) / 6
    )


def test_what_was_not_measured_is_left_out() -> None:
    trajectories, _ = measured()
    question = replace(trajectories[0].episode.question, gold_documents=())
    episode = replace(trajectories[0].episode, question=question)
    metrics = rollout_metrics([replace(trajectories[0], episode=episode, gains=())])
    assert "rollout/recall" not in metrics
    assert not [name for name in metrics if name.startswith("gain/")]


def test_a_failed_retrieval_is_counted_and_in_no_other_mean() -> None:
    trajectories, _ = measured()
    last = replace(trajectories[0].episode.steps[-1], retrieval_failed=True)
    episode = replace(trajectories[0].episode, steps=(*trajectories[0].episode.steps[:-1], last))
    failed = replace(trajectories[0], episode=episode, reward=0.0)
    metrics = rollout_metrics([failed, trajectories[1]])
    assert metrics["rollout/retrieval_failed"] == 1 / 2
    assert metrics["rollout/exact_match"] == 1.0
