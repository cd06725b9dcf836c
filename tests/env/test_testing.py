"""The shipped checkers pass what is good and name what is not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from scripted import CORPUS, LIVE, QUESTIONS

import igs_env  # noqa: F401
from igs_env.contexts import ScoreRequest
from igs_env.counterfactual import CorpusSampler, OtherQuestionsSampler
from igs_env.protocols import PROTOCOLS
from igs_env.scorers import StatisticalScorer
from igs_env.task import make_task
from igs_env.testing import (
    ConstantScorer,
    FailingRetriever,
    ScriptedRetriever,
    ScriptedSearcher,
    check_environment,
    check_protocol,
    check_sampler,
    check_scorer,
    example_requests,
)
from igs_env.transition import advance, begin
from igs_env.types import Episode, Fragment, Question

TASK = make_task(**LIVE)


def searched(count: int = 3) -> list[Episode]:
    questions = TASK.questions[:count]
    episodes = [begin(TASK.rules, q, group_id=q.id, seed=i) for i, q in enumerate(questions)]
    return advance(TASK.rules, episodes, [f"<search>{q.text}</search>" for q in questions])


def requests() -> list[ScoreRequest]:
    return [
        ScoreRequest(episode=e, step=0, target=e.question.answers[0], probe="<answer> ")
        for e in searched()
    ]


@pytest.mark.parametrize("scorer", [StatisticalScorer(CORPUS), ConstantScorer()])
def test_good_scorers_pass(scorer: Any) -> None:
    check_scorer(scorer, requests())


def test_scorers_and_samplers_are_checked_without_episodes_of_ones_own() -> None:
    check_scorer(ConstantScorer())
    check_scorer(StatisticalScorer(CORPUS))
    check_sampler(OtherQuestionsSampler())
    for request in example_requests():
        assert request.episode.steps[0].documents


class Moody(ConstantScorer):
    def token_log_probs(self, requests: Sequence[ScoreRequest]) -> list[Any]:
        return [np.full(2, -float(len(requests))) for _ in requests]


class Positive(ConstantScorer):
    def token_log_probs(self, requests: Sequence[ScoreRequest]) -> list[Any]:
        return [np.ones(2) for _ in requests]


class Short(ConstantScorer):
    def token_log_probs(self, requests: Sequence[ScoreRequest]) -> list[Any]:
        return [np.zeros(1) for _ in requests[:-1]]


class Empty(ConstantScorer):
    def token_log_probs(self, requests: Sequence[ScoreRequest]) -> list[Any]:
        return [np.zeros(0) for _ in requests]


@pytest.mark.parametrize(
    ("scorer", "message"),
    [
        (Moody(), "must not depend on what else is scored"),
        (Positive(), "above 0"),
        (Short(), "one array per request"),
        (Empty(), "a value per token"),
    ],
)
def test_broken_scorers_are_named(scorer: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_scorer(scorer, requests())


@pytest.mark.parametrize(
    "sampler", [CorpusSampler(TASK.corpus, TASK.rules), OtherQuestionsSampler()]
)
def test_good_samplers_pass(sampler: Any) -> None:
    check_sampler(sampler, searched(6))


class Sibling(OtherQuestionsSampler):
    def sample(self, episode: Episode, step: int, **_: Any) -> tuple[Fragment, ...]:
        documents = episode.steps[step].documents
        return (Fragment(documents=documents, origin=(episode.id, step)),)


class Unseeded(OtherQuestionsSampler):
    calls = 0

    def sample(self, episode: Episode, step: int, **_: Any) -> tuple[Fragment, ...]:
        self.calls += 1
        return (Fragment(documents=(CORPUS[self.calls % len(CORPUS)],)),)


class Doubled(OtherQuestionsSampler):
    def sample(self, episode: Episode, step: int, **_: Any) -> tuple[Fragment, ...]:
        return (Fragment(documents=(CORPUS[0], CORPUS[1], CORPUS[0])),)


class AlwaysThree(OtherQuestionsSampler):
    def sample(self, episode: Episode, step: int, **_: Any) -> tuple[Fragment, ...]:
        return tuple(Fragment(documents=(document,)) for document in CORPUS[:3])


@pytest.mark.parametrize(
    ("sampler", "message"),
    [
        (Sibling(), "rollout of the same question"),
        (Unseeded(), "another draw when asked again"),
        (Doubled(), "draws=1: drew the same document twice in one fragment: d00, d01, d00"),
        (AlwaysThree(), "draws=1: expected at most 1 draws, got 3"),
    ],
)
def test_broken_samplers_are_named(sampler: Any, message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_sampler(sampler, searched(6))


@pytest.mark.parametrize("name", PROTOCOLS)
def test_every_protocol_passes(name: str) -> None:
    check_protocol(PROTOCOLS[name])


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"probe_end": ""}, "must make an answer"),
        ({"reminder": " "}, "reminder must say something"),
        ({"document": "{title}\n"}, "must hold the document's text"),
        ({"document": "{title} {text} <answer>x</answer>"}, "must not hold an action"),
    ],
)
def test_broken_protocols_are_named(change: dict[str, str], message: str) -> None:
    with pytest.raises(AssertionError, match=message):
        check_protocol(replace(PROTOCOLS["search-r1"], **change))


def test_a_good_environment_passes() -> None:
    check_environment(gym.make("IGSearchQA-v0", **LIVE).unwrapped)


class Forgetful(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    def __init__(self, env: Any) -> None:
        gym.utils.RecordConstructorArgs.__init__(self)
        super().__init__(env)

    def step(self, action: Any) -> Any:
        *rest, info = super().step(action)
        del info["scorer"]
        return (*rest, info)


def test_an_environment_whose_info_lacks_a_key_is_named() -> None:
    with pytest.raises(AssertionError, match="lacks 'scorer'"):
        check_environment(Forgetful(gym.make("IGSearchQA-v0", **LIVE).unwrapped))


def test_a_failing_retriever_recovers_after_its_failures() -> None:
    film = CORPUS[0]
    task = make_task(
        questions=QUESTIONS,
        corpus=CORPUS,
        retriever=FailingRetriever(ScriptedRetriever({"x": [film]}), failures=1),
        sampler="none",
    )
    question = task.questions[0]
    first, second = (begin(task.rules, question, group_id=g, seed=0) for g in "ab")
    (failed,) = advance(task.rules, [first], ["<search>x</search>"])
    (found,) = advance(task.rules, [second], ["<search>x</search>"])
    assert failed.steps[0].retrieval_failed
    assert found.steps[0].documents == (film,)


def test_a_scripted_searcher_plays_gold_queries_and_then_answers() -> None:
    asked = Question(id="q", text="Who?", answers=("me",), metadata={"queries": ["a", "b"]})
    play = ScriptedSearcher(asked)
    outputs = [play(range(count)) for count in range(3)]
    assert outputs == ["<search> a </search>", "<search> b </search>", "<answer> me </answer>"]
