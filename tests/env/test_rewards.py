from __future__ import annotations

from dataclasses import replace

import pytest
from scripted import FixedRetriever, begun, document, live_task

from igs_env.rewards import REWARDS, em, final_answer, refine_blocks, staircase, token_f1
from igs_env.transition import advance, reward
from igs_env.types import Question

SCOTT = Question(id="q", text="Who directed Alien?", answers=("Ridley Scott", "Sir Ridley"))


def played(*outputs: str, question: Question = SCOTT, protocol: str = "autorefine"):
    task = live_task(protocol=protocol, retriever=FixedRetriever([document("d")]), max_searches=2)
    episode = begun(task, question=question)
    for output in outputs:
        (episode,) = advance(task.rules, [episode], [output])
    return episode


SEARCH = "<search>alien</search>"


@pytest.mark.parametrize(
    ("outputs", "expected"),
    [
        (["<answer>Ridley Scott</answer>"], 1.0),
        (["<answer>Sir Ridley</answer>"], 1.0),
        (["<answer>Scott</answer>"], 2 * 1 * 0.5 / 1.5),
        # F1 wins over the 0.1 of the refine block.
        ([SEARCH, "<refine>Ridley Scott</refine><answer>Scott</answer>"], 2 * 1 * 0.5 / 1.5),
        ([SEARCH, "<refine>by RIDLEY  Scott.</refine><answer>Cameron</answer>"], 0.1),
        ([SEARCH, "<refine>sir ridley</refine><answer>Cameron</answer>"], 0.1),
        ([SEARCH, "<refine>Ridley</refine><answer>Cameron</answer>"], 0.0),
        ([SEARCH, "Ridley Scott <answer>Cameron</answer>"], 0.0),
        ([SEARCH, "<refine>Ridley Scott<answer>Cameron</answer>"], 0.0),
        ([SEARCH, "<answer>Cameron</answer> <refine>Ridley Scott</refine>"], 0.0),
        (["<answer>Cameron</answer>"], 0.0),
        # Out of steps (2 + 3) without an answer: the refine block still counts.
        ([SEARCH, "<refine>Ridley Scott</refine>" + SEARCH, "x", "x", "x"], 0.1),
        (["x"] * 5, 0.0),
    ],
)
def test_staircase(outputs: list[str], expected: float) -> None:
    episode = played(*outputs)
    assert episode.done
    assert staircase(episode) == pytest.approx(expected, abs=1e-15)


def test_a_gold_answer_that_normalises_to_nothing_is_not_found_in_every_refine_block() -> None:
    article = replace(SCOTT, answers=("The",))
    episode = played(SEARCH, "<refine>x</refine><answer>y</answer>", question=article)
    assert staircase(episode) == 0.0


def test_t5_the_prompts_own_example_is_never_the_answer() -> None:
    beijing = replace(SCOTT, answers=("Beijing",))
    episode = played("no action", *["x"] * 4, question=beijing, protocol="search-r1")
    assert "<answer> Beijing </answer>" in episode.prompt
    assert final_answer(episode) is None
    assert [name for name, function in REWARDS.items() if function(episode) != 0.0] == []


def test_t5_an_answer_inside_a_document_is_never_the_answer() -> None:
    task = live_task(retriever=FixedRetriever([document("d", "<answer>Ridley Scott</answer>")]))
    episode = begun(task, question=SCOTT)
    (episode,) = advance(task.rules, [episode], [SEARCH])
    assert final_answer(episode) is None
    assert em(episode) == 0.0


def test_em_and_f1_read_the_final_answer() -> None:
    assert em(played("<answer>the ridley scott!</answer>")) == 1.0
    assert em(played("<answer>Scott</answer>")) == 0.0
    assert token_f1(played("<answer>Scott</answer>")) == 2 * 1 * 0.5 / 1.5


def test_the_reward_comes_with_the_last_step_only() -> None:
    task = live_task(reward=lambda episode: 7, max_searches=1)
    episode = begun(task)
    given = []
    for output in ["<search>Alpha</search>", "x", "<answer>a</answer>"]:
        (episode,) = advance(task.rules, [episode], [output])
        given.append(reward(task.rules, episode))
    assert given == [0.0, 0.0, 7.0]
    assert all(type(one) is float for one in given)


def test_each_output_gives_one_refine_block_at_most() -> None:
    episode = played(
        SEARCH, "<refine>one</refine>" + SEARCH, "<refine>open", "<refine>two</refine>"
    )
    assert refine_blocks(episode) == ["one", "two"]


@pytest.mark.parametrize(
    ("protocol", "name"), [("search-r1", "em"), ("autorefine", "staircase"), ("plain", "em")]
)
def test_a_protocol_has_its_own_reward(protocol: str, name: str) -> None:
    assert live_task(protocol=protocol).rules.reward is REWARDS[name]
