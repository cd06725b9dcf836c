from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import fields, replace

import pytest
from scripted import CORPUS, QUESTIONS, FixedRetriever, OverlapRetriever, begun, document, live_task

from igs_env.errors import ConfigurationError
from igs_env.transition import EXTRA_STEPS, MAX_QUERY_LENGTH, advance, retrieval_query, reward
from igs_env.types import Answer, Episode, Invalid, Search

ALPHA = "<search>Alpha</search>"


def play(task, outputs: Sequence[str], episode: Episode | None = None) -> Episode:
    episode = episode or begun(task)
    for output in outputs:
        (episode,) = advance(task.rules, [episode], [output])
    return episode


def test_the_transcript_is_the_prompt_and_every_output_and_observation() -> None:
    task = live_task()
    outputs = ["<think>a</think>" + ALPHA + "junk", "nothing", "<answer>Delta Reyes</answer>junk"]
    episode = play(task, outputs)
    assert episode.transcript == (
        episode.prompt
        + "<think>a</think>"
        + ALPHA
        + episode.steps[0].observation
        + "nothing"
        + task.rules.protocol.reminder
        + "<answer>Delta Reyes</answer>"
    )
    assert [step.discarded for step in episode.steps] == [len("junk"), 0, len("junk")]


def test_t12_the_kept_output_ends_at_the_action_and_is_the_models_own_text() -> None:
    output = "é\u0301 <think>🦖</think><search>Alpha</search><search>Bravo</search>"
    step = play(live_task(), [output]).steps[0]
    assert step.output == output[: output.index("</search>") + len("</search>")]
    assert step.output + output[-step.discarded :] == output


def test_t7_each_query_has_an_explicit_span_although_every_reward_is_zero() -> None:
    task = live_task()
    outputs = ["<think>q</think><search> Alpha\n</search>", "x", "<answer> wrong </answer>"]
    episode = begun(task)
    spans = []
    for output in outputs:
        (episode,) = advance(task.rules, [episode], [output])
        assert reward(task.rules, episode) == 0.0
        action = episode.steps[-1].action
        if not isinstance(action, Invalid):
            spans.append(episode.steps[-1].output[slice(*action.span)])
    assert spans == ["Alpha", "wrong"]


def test_an_episode_after_a_step_differs_in_nothing_but_that_step() -> None:
    first = play(live_task(), [ALPHA])
    other = replace(first, id="i", group_id="g", member=3, seed=7, prompt="p", terminated=True)
    step = first.steps[0]
    assert other.after(step, terminated=False, truncated=True) == replace(
        other, steps=(step, step), terminated=False, truncated=True
    )
    assert len(fields(Episode)) == 10, "a new field must be handed on by Episode.after"


def test_searches_beyond_the_limit_are_not_carried_out() -> None:
    task = live_task(max_searches=2)
    episode = play(task, [ALPHA] * 3)
    assert [step.searched for step in episode.steps] == [True, True, False]
    assert episode.searches == 2
    assert episode.steps[-1].observation == task.rules.protocol.exhausted
    assert episode.steps[-1].documents == ()
    assert task.rules.retriever.calls == [("Alpha",)] * 2  # type: ignore[attr-defined]
    assert not episode.done


@pytest.mark.parametrize("outputs", [["x"], [ALPHA], [ALPHA, "x"], ["<answer></answer>"]])
def test_an_episode_without_an_answer_is_truncated_after_max_searches_and_three(
    outputs: list[str],
) -> None:
    task = live_task(max_searches=2)
    episode, steps = begun(task), 0
    while not episode.done:
        (episode,) = advance(task.rules, [episode], [outputs[steps % len(outputs)]])
        steps += 1
    assert (episode.terminated, episode.truncated) == (False, True)
    assert steps == 2 + EXTRA_STEPS == task.rules.max_steps


def test_an_answer_on_the_last_step_terminates_and_does_not_truncate() -> None:
    task = live_task(max_searches=1)
    episode = play(task, ["x", "x", "x", "<answer>Delta Reyes</answer>"])
    assert (episode.terminated, episode.truncated) == (True, False)
    assert reward(task.rules, episode) == 1.0


def test_an_invalid_action_costs_a_step_and_shows_the_reminder() -> None:
    task = live_task()
    step = play(task, ["<search> </search> and more"]).steps[0]
    assert isinstance(step.action, Invalid)
    assert step.output == "<search> </search>"
    assert step.observation == task.rules.protocol.reminder


def test_all_searches_of_a_batch_are_one_retrieval_call_with_each_query_once() -> None:
    task = live_task(max_searches=1)
    spent = play(task, [ALPHA])
    task.rules.retriever.calls.clear()  # type: ignore[attr-defined]
    fresh = [begun(task, member=i) for i in range(5)]
    outputs = [ALPHA, "<search>Bravo</search>", "x", "<answer>a</answer>", ALPHA, ALPHA]
    after = advance(task.rules, [*fresh, spent], outputs)
    assert task.rules.retriever.calls == [("Alpha", "Bravo")]  # type: ignore[attr-defined]
    assert [type(episode.steps[-1].action) for episode in after] == [
        Search, Search, Invalid, Answer, Search, Search,
    ]  # fmt: skip
    assert after[0].steps[-1].documents == after[4].steps[-1].documents


def test_a_batch_is_answered_as_its_episodes_one_by_one() -> None:
    task = live_task()
    outputs = [
        ALPHA,
        "x",
        "<search>film in Peru</search>",
        "<answer>a</answer>",
        "<search>zz</search>",
    ]
    fresh = [begun(task, question=QUESTIONS[i], member=i) for i in range(len(outputs))]
    together = advance(task.rules, fresh, outputs)
    alone = [play(task, [output], episode) for output, episode in zip(outputs, fresh, strict=True)]
    assert together == alone


def test_no_outputs_are_no_retrieval_call() -> None:
    task = live_task()
    assert advance(task.rules, [], []) == []
    assert task.rules.retriever.calls == []  # type: ignore[attr-defined]


def test_as_many_outputs_as_episodes_are_asked_for() -> None:
    task = live_task()
    with pytest.raises(ValueError, match="zip"):
        advance(task.rules, [begun(task)], [])


def test_t10_a_failed_search_leaves_no_trace_in_the_transcript(
    caplog: pytest.LogCaptureFixture,
) -> None:
    task = live_task()
    with caplog.at_level(logging.WARNING, logger="igs_env"):
        episode = play(task, [ALPHA, "<search>unreachable</search>"])
    step = episode.steps[-1]
    assert (step.observation, step.documents) == ("", ())
    assert (step.searched, step.retrieval_failed) == (False, True)
    assert (episode.terminated, episode.truncated) == (False, True)
    assert "SECRET-FAILURE-TEXT" not in episode.transcript
    assert "SECRET-FAILURE-TEXT" in caplog.text


def test_t10_a_failed_search_gets_no_reward_whatever_the_reward_function_says() -> None:
    task = live_task(reward=lambda episode: 1.0)
    assert reward(task.rules, play(task, ["<search>unreachable</search>"])) == 0.0
    assert reward(task.rules, play(task, ["<answer>x</answer>"])) == 1.0


def test_a_failed_call_ends_every_episode_that_shared_it_and_no_other() -> None:
    task = live_task()
    fresh = [begun(task, member=i) for i in range(3)]
    after = advance(task.rules, fresh, ["<search>unreachable</search>", ALPHA, "x"])
    assert [episode.steps[-1].retrieval_failed for episode in after] == [True, True, False]
    assert [episode.truncated for episode in after] == [True, True, False]


def test_an_error_that_is_not_the_retrievals_is_not_swallowed() -> None:
    class Broken:
        def search(self, queries: Sequence[str], top_k: int):
            raise KeyError("a bug")

    with pytest.raises(KeyError, match="a bug"):
        play(live_task(retriever=Broken()), [ALPHA])


def test_t11_the_documents_of_a_step_are_those_that_were_shown() -> None:
    long = [document("a", "one two three", "T"), document("b", "</information>four", "<answer>")]
    task = live_task(retriever=FixedRetriever(long), max_document_length=8)
    step = play(task, [ALPHA]).steps[0]
    assert [d.text for d in step.documents] == ["one two", "[/inform"]
    assert step.observation == (
        "\n<information>\nDoc 1 (Title: T) one two\n"
        "Doc 2 (Title: [answer]) [/inform\n</information>\n"
    )


def test_a_search_that_finds_nothing_is_carried_out_and_says_so() -> None:
    task = live_task()
    step = play(task, ["<search>zzz</search>"]).steps[0]
    assert step.searched
    assert step.documents == ()
    assert step.observation == "\n<information>\nNo documents were found.\n</information>\n"


def test_top_k_documents_are_shown_at_most() -> None:
    for top_k in (1, 2, 5):
        task = live_task(top_k=top_k)
        assert len(play(task, ["<search>film</search>"]).steps[0].documents) == top_k


def test_the_length_function_measures_documents() -> None:
    def in_words(text: str) -> int:
        return len(text.split())

    task = live_task(
        retriever=FixedRetriever([document("a", "one two three")]),
        max_document_length=2,
        length=in_words,
    )
    assert play(task, [ALPHA]).steps[0].documents[0].text == "one two"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("a\n b\t\tc", "a b c"),
        ("\ud800x", "?x"),
        ("ü中\u3000b", "ü中 b"),
        ("a" * 2 * MAX_QUERY_LENGTH, "a" * MAX_QUERY_LENGTH),
    ],
)
def test_a_retriever_gets_one_line_of_valid_unicode_of_bounded_length(
    query: str, expected: str
) -> None:
    retriever = OverlapRetriever(CORPUS)
    episode = play(live_task(retriever=retriever), [f"<search>{query}</search>"])
    assert retriever.calls == [(expected,)]
    assert retrieval_query(query) == expected
    assert query in episode.transcript


@pytest.mark.parametrize("name", ["top_k", "max_searches", "max_document_length"])
@pytest.mark.parametrize("value", [0, -1, 1.5, True, "3", None])
def test_limits_are_positive_integers(name: str, value: object) -> None:
    with pytest.raises(ConfigurationError, match=f"{name} must be an integer of at least 1, got"):
        live_task(**{name: value})


def test_episodes_are_values_and_a_step_leaves_the_old_one_as_it_was() -> None:
    task = live_task()
    before = begun(task)
    after = play(task, [ALPHA], before)
    assert before.steps == ()
    assert before == begun(task)
    assert after != before
