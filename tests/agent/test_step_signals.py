"""What is measured of each step, on real rollouts and on small episodes by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from scripted_generator import ScriptedGenerator
from small_world import small_task

from igs_agent.credit import make_estimator, observation_similarity
from igs_agent.gains import measure_answer_log_probs, measure_gains
from igs_agent.generation import Sampling
from igs_agent.observations import observation_clusters
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import step_table
from igs_agent.text_scorer import token_log_probs
from igs_agent.trajectory import Trajectory
from igs_env.counterfactual import OtherQuestionsSampler
from igs_env.types import Document


@pytest.fixture(scope="module", params=["plain", "autorefine"])
def played(request: pytest.FixtureRequest, policy: Policy) -> list[Trajectory]:
    """Two questions, three rollouts each: the first two search alike, then all differ."""
    task = small_task(request.param)

    def script(key: str, turn: int) -> str:
        member = int(key.rpartition("/")[2])
        refine = "<refine> it </refine>" if request.param == "autorefine" and turn else ""
        if turn == 0:
            return f"<search> {'founder of the' if member < 2 else 'river'} port </search>"
        if turn == 1 and member == 1:
            return f"{refine}<search> the second one </search>"
        return f"{refine}<answer> nothing {member} </answer>"

    plan = RolloutPlan(questions=task.questions[:2], group_size=3, seed=0)
    generator = ScriptedGenerator(policy, script)
    return rollout(task.rules, policy, generator, plan, Sampling(max_tokens=64))


def with_documents(trajectory: Trajectory, *texts: str) -> Trajectory:
    """The trajectory, its steps having brought documents of these texts, called d0, d1, …"""
    steps = list(trajectory.episode.steps)
    for number, text in enumerate(texts):
        found = (Document(id=f"d{number}", title="", text=text),)
        steps[number] = replace(steps[number], documents=found)
    return replace(trajectory, episode=replace(trajectory.episode, steps=tuple(steps)))


def asking(trajectory: Trajectory, **changes: object) -> Trajectory:
    question = replace(trajectory.episode.question, **changes)  # type: ignore[arg-type]
    return replace(trajectory, episode=replace(trajectory.episode, question=question))


def test_the_answers_log_prob_at_a_steps_start_is_that_of_the_written_out_context(
    policy: Policy, played: list[Trajectory]
) -> None:
    measured = measure_answer_log_probs(played, PolicyScorer(policy, played))
    for trajectory in measured:
        assert len(trajectory.answer_log_probs) == len(trajectory.turns)
        protocol = trajectory.episode.protocol
        target, span = policy.encode_target(
            protocol.probe, trajectory.episode.question.answers[0], protocol.probe_end
        )
        for turn, value in zip(trajectory.turns, trajectory.answer_log_probs, strict=True):
            before = trajectory.token_ids[: turn.start].tolist()
            scored = slice(len(before) + span.start, len(before) + span.stop)
            (expected,) = token_log_probs(policy, [before + target], [scored])
            assert value == pytest.approx(float(np.mean(expected)), abs=1e-4)


def test_without_refine_blocks_it_is_the_gains_real_part_one_step_later(
    policy: Policy, played: list[Trajectory]
) -> None:
    if played[0].episode.protocol.refine:
        pytest.skip("the gain's context then goes on through the refine block")
    scorer = PolicyScorer(policy, played)
    measured = measure_answer_log_probs(
        measure_gains(played, scorer, OtherQuestionsSampler(), draws=1), scorer
    )
    compared = 0
    for trajectory in measured:
        for gain, value in zip(trajectory.gains, trajectory.answer_log_probs[1:], strict=False):
            if gain is not None:
                assert value == pytest.approx(gain.log_prob_real, abs=1e-4)
                compared += 1
    assert compared >= 6


def test_igpo_on_real_rollouts_credits_by_the_difference(
    policy: Policy, played: list[Trajectory]
) -> None:
    measured = measure_answer_log_probs(played, PolicyScorer(policy, played))
    table = step_table(measured)
    assert torch.equal(table.signal("answer_log_prob").valid, table.valid)
    # All fail alike: what is left is the differences, so that no rollout's last step has credit.
    assert not table.outcome.any()
    step = make_estimator("igpo")(table).step
    assert not step[table.last].any()
    assert step[:, 0].abs().min() > 0
    assert not make_estimator("igpo")(step_table(played)).step.any()


def test_steps_share_a_number_where_question_and_observation_are_equal(
    played: list[Trajectory],
) -> None:
    numbers = step_table(played).observation.tolist()
    assert numbers[0][0] == numbers[1][0] == numbers[2][0]
    assert numbers[3][0] == numbers[4][0] == numbers[5][0]
    assert numbers[0][0] != numbers[3][0]
    # After one and the same search, the first two rollouts of each question.
    assert numbers[0][1] == numbers[1][1] != numbers[2][1]
    assert numbers[0][1] != numbers[3][1]
    # 0 is padding and nothing else.
    assert [[number > 0 for number in row] for row in numbers] == step_table(played).valid.tolist()


def test_similar_observations_share_a_number_only_when_asked_to(played: list[Trajectory]) -> None:
    def seen(trajectory: Trajectory, text: str) -> Trajectory:
        steps = (
            replace(trajectory.episode.steps[0], observation=text),
            *trajectory.episode.steps[1:],
        )
        return replace(trajectory, episode=replace(trajectory.episode, steps=steps))

    # Ratio 2·9/20 = .9, 2·8/20 = .8 and, to the second one, 2·9/20 = .9 again.
    texts = ["abcdefghij", "abcdefghi!", "abcdefgh?!"]
    rows = [seen(t, text) for t, text in zip(played[:3], texts, strict=True)]
    exact = observation_clusters(rows, 3)[:, 1].tolist()
    assert len(set(exact)) == 3
    alike = observation_clusters(rows, 3, similarity=0.9)[:, 1].tolist()
    # The third one is compared with the cluster's first member, not with its latest.
    assert alike[0] == alike[1] != alike[2]
    assert len(set(observation_clusters(rows, 3, similarity=0.8)[:, 1].tolist())) == 1
    assert torch.equal(
        step_table(rows, similarity=0.9).observation,
        observation_clusters(rows, 3, similarity=0.9),
    )


def test_only_gigpo_asks_for_similar_observations() -> None:
    assert observation_similarity(make_estimator("gigpo")) == 0.9
    assert observation_similarity(make_estimator("grpo")) == 1.0


def test_a_gold_document_is_found_once(played: list[Trajectory]) -> None:
    twice = asking(with_documents(played[1], "x", "x"), gold_documents=(("d0", "d9"), ("d1",)))
    again = asking(with_documents(played[1], "x", "x"), gold_documents=(("d0", "d1"),))
    unknown = asking(played[1], gold_documents=())
    signal = step_table([twice, again, unknown]).signal("found_gold")
    assert signal.values.tolist() == [[1.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 0.0]]
    # Measured at searches, and not where gold documents are unknown.
    assert signal.valid.tolist() == [[True, True, False], [True, True, False], [False] * 3]


def test_an_answer_in_the_documents_is_a_whole_word_after_normalising(
    played: list[Trajectory],
) -> None:
    held = asking(with_documents(played[1], "the art of war", "a party"), answers=("Art", "Mill"))
    signal = step_table([held]).signal("answer_in_documents")
    assert signal.values.tolist() == [[1.0, 0.0, 0.0]]
    assert signal.valid.tolist() == [[True, True, False]]


def test_a_rollout_that_is_longer_than_the_others_has_the_tables_last_step(
    played: list[Trajectory],
) -> None:
    table = step_table(played[:3])
    assert table.last.tolist() == [[False, True, False], [False, False, True], [False, True, False]]
    masked = replace(table, outcome_valid=torch.tensor([True, False, True]))
    assert masked.counted.sum(1).tolist() == [2, 0, 2]
