from __future__ import annotations

import math
from dataclasses import replace
from typing import get_type_hints

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from scripted import CORPUS, LIVE, QUESTIONS, OverlapRetriever, live_task

from igs_env.env import SearchEnv
from igs_env.errors import ConfigurationError, IGSearchError
from igs_env.protocols import PROTOCOLS
from igs_env.rendering import render_episode
from igs_env.types import Document, Question, StepInfo

SEARCH = "<search>Alpha is a film</search>"


def made(**options) -> SearchEnv:
    return SearchEnv(**{"questions": QUESTIONS, "corpus": CORPUS, "retriever": OverlapRetriever(),
                        **options})  # fmt: skip


def test_an_episode_from_question_to_reward() -> None:
    env = made()
    prompt, info = env.reset(options={"question_id": "q00"})
    assert prompt.endswith("Question: Who directed Alpha?\n")
    assert (info["action"], info["searches"], info["question_id"]) == ("reset", 0, "q00")

    text, reward, terminated, truncated, info = env.step(f"<think>hm</think>{SEARCH} and so on")
    assert text.startswith("\n<information>\nDoc 1 (Title: Alpha) Alpha is a film of 1950")
    assert (reward, terminated, truncated) == (0.0, False, False)
    assert (info["action"], info["searches"], len(info["documents"])) == ("search", 1, 3)
    assert info["documents"][0].id == "d00"
    assert info["information_gain_valid"]
    assert info["information_gain"] > 0.0
    assert (info["information_gain_draws"], info["scorer"]) == (3, "statistical")
    assert info["counterfactual_source"] == "corpus"

    text, reward, terminated, truncated, info = env.step("<answer>Delta Reyes</answer>")
    assert (text, reward, terminated, truncated) == ("", 1.0, True, False)
    assert (info["action"], info["exact_match"], info["f1"]) == ("answer", 1.0, 1.0)


def test_the_gain_in_info_is_the_difference_of_the_log_probs_in_info() -> None:
    env = made()
    for seed in range(20):
        env.reset(seed=seed)
        *_, info = env.step("<search>film in Peru</search>")
        difference = info["log_prob_real"] - info["log_prob_counterfactual"]
        assert info["information_gain"] == pytest.approx(difference, abs=1e-12)
        assert len(info["counterfactual_ids"]) == info["information_gain_draws"] == 3


OUTPUTS = [
    SEARCH,
    "<search>zzz</search>",
    "no action",
    "<answer></answer>",
    "<search>unreachable</search>",
    "<answer>wrong</answer>",
    "<answer>Delta Reyes</answer>",
]
OPTIONS = [
    {},
    {"sampler": "none"},
    {"sampler": "other_questions"},
    {"sampler": "hard_negatives"},
    {"sampler": "empty"},
    {"scoring": "deferred"},
    {"counterfactuals": 1},
    {"max_searches": 1},
    {"protocol": "autorefine"},
]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_every_info_holds_every_key_with_one_type_and_no_nan(options: dict) -> None:
    env = made(**options)
    expected = {
        key: getattr(hint, "__origin__", hint) for key, hint in get_type_hints(StepInfo).items()
    }
    seen = 0
    for first in OUTPUTS:
        infos = [env.reset(seed=0)[1], env.step(first)[4]]
        while env.episode is not None and not env.episode.done:
            infos.append(env.step("<answer>wrong</answer>")[4])
        for info in infos:
            assert {key: type(value) for key, value in info.items()} == expected
            floats = [value for value in info.values() if isinstance(value, float)]
            assert all(map(math.isfinite, floats))
            if not info["information_gain_valid"]:
                assert info["information_gain"] == info["information_gain_stderr"] == 0.0
                assert info["information_gain_draws"] == 0
                assert info["counterfactual_ids"] == ()
                assert info["counterfactual_source"] == ""
            seen += 1
    assert seen >= 2 * len(OUTPUTS)


@pytest.mark.parametrize(
    ("options", "output", "valid"),
    [
        ({}, SEARCH, True),
        ({"counterfactuals": 1}, SEARCH, True),
        ({"counterfactuals": 7}, SEARCH, True),
        ({"sampler": "empty"}, SEARCH, True),
        ({"sampler": "hard_negatives"}, SEARCH, True),
        ({"sampler": "none"}, SEARCH, False),
        ({"sampler": None}, SEARCH, False),
        ({"scoring": "deferred"}, SEARCH, False),
        ({}, "<search>zzz</search>", False),
        ({}, "<search>unreachable</search>", False),
        ({}, "no action", False),
        ({}, "<answer>x</answer>", False),
        ({"corpus": CORPUS[:5]}, SEARCH, False),
    ],
)
def test_an_absent_gain_is_flagged(options: dict, output: str, valid: bool) -> None:
    env = made(**options)
    env.reset(seed=0)
    *_, info = env.step(output)
    assert info["information_gain_valid"] is valid
    if valid:
        assert info["information_gain_draws"] == (
            1 if options.get("sampler") == "empty" else options.get("counterfactuals", 3)
        )


def test_t1_alone_in_its_batch_an_episode_has_no_other_question_to_draw_from() -> None:
    env = made(sampler="other_questions")
    env.reset(seed=0)
    *_, info = env.step(SEARCH)
    assert (info["information_gain_valid"], info["information_gain"]) == (False, 0.0)


def test_t10_a_failed_search_is_flagged_and_ends_the_episode() -> None:
    env = made()
    env.reset(seed=0)
    text, reward, terminated, truncated, info = env.step("<search>unreachable</search>")
    assert (text, reward, terminated, truncated) == ("", 0.0, False, True)
    assert (info["retrieval_failed"], info["documents"], info["searches"]) == (True, (), 0)


def test_the_same_seed_gives_the_same_everything() -> None:
    def run() -> list:
        env = made()
        seen: list = [env.reset(seed=3)]
        for _ in range(3):
            seen += [
                env.step(SEARCH),
                env.step("<search>film</search>"),
                env.step("<answer>a</answer>"),
            ]
            seen.append(env.reset())
        return seen

    assert run() == run()


def test_other_seeds_ask_other_questions() -> None:
    env = made()
    asked = {env.reset(seed=seed)[1]["question_id"] for seed in range(200)}
    assert asked == {question.id for question in QUESTIONS}


def test_a_chosen_question_does_not_shift_what_is_asked_afterwards() -> None:
    env = made()

    def second(options: dict | None) -> str:
        env.reset(seed=5, options=options)
        return env.reset()[1]["group_id"]

    assert second(None) == second({"question_id": "q07"}) == second({}) == second({"split": "dev"})


def test_a_reset_may_ask_from_another_split() -> None:
    env = made(split="train")
    dev = {question.id for question in QUESTIONS if question.split == "dev"}
    options = {"split": "dev"}
    asked = {env.reset(seed=seed, options=options)[1]["question_id"] for seed in range(60)}
    assert asked == dev
    assert env.reset(seed=3, options=options)[1] == env.reset(seed=3, options=options)[1]
    assert env.reset(options={**options, "question_id": "q22"})[1]["question_id"] == "q22"
    assert env.reset()[1]["question_id"] not in dev
    with pytest.raises(ConfigurationError, match="no question 'q22' in"):
        env.reset(options={"question_id": "q22"})


def test_of_a_named_world_the_split_is_loaded() -> None:
    env = SearchEnv(
        questions="fiction:documents=200,hops=1-2",
        corpus="none",
        hops=2,
        sampler="none",
        retriever=OverlapRetriever(),
    )
    _, info = env.reset(seed=0, options={"split": "test"})
    question = env.episode.question if env.episode else None
    assert question is not None
    assert (question.split, question.hops, question.id) == ("test", 2, info["question_id"])


def test_a_question_of_ones_own_may_be_asked() -> None:
    env = made()
    own = Question(id="own", text="Who <b>is</b> it?", answers=("me",))
    prompt, info = env.reset(options={"question": own})
    assert info["question_id"] == "own"
    assert prompt.endswith("Question: Who <b>is</b> it?\n")
    assert env.step("<answer>Me!</answer>")[1] == 1.0


def test_the_outcome_is_scored_over_all_aliases() -> None:
    env = made()
    env.reset(options={"question_id": "q00"})
    assert env.step("<answer>delta</answer>")[1] == 1.0


BAD_CALLS = [
    # what is called → error, and what its message holds
    ("reset", {"options": {"question": "q00"}}, ConfigurationError, "to name one by its id use"),
    ("reset", {"options": {"question_id": "q99"}}, ConfigurationError, "no question 'q99' in"),
    ("reset", {"options": {"question_id": ["q00"]}}, ConfigurationError, "no question ['q00'] in"),
    ("reset", {"options": {"questionid": 1}}, ConfigurationError, "did you mean 'question_id'?"),
    ("reset", {"options": {"reset_mask": 1}}, ConfigurationError, "no reset option 'reset_mask'"),
    (
        "reset",
        {"options": {"question_id": "q00", "question": QUESTIONS[0]}},
        ConfigurationError,
        "give question_id or question, not both",
    ),
    (
        "reset",
        {"options": {"split": "dev", "question": QUESTIONS[0]}},
        ConfigurationError,
        "give question or split, not both",
    ),
    ("reset", {"options": {"split": "dve"}}, IGSearchError, "'dve'"),
    (
        "reset",
        {"options": {"question": replace(QUESTIONS[0], answers=())}},
        ConfigurationError,
        "question 'q00' has no answers",
    ),
    ("reset", {"seed": -1}, gym.error.Error, "-1"),
    ("reset", {"seed": "0"}, gym.error.Error, "integer"),
    ("step", {"action": None}, ConfigurationError, "a str; got NoneType"),
    ("step", {"action": b"<answer>x</answer>"}, ConfigurationError, "a str; got bytes"),
    ("step", {"action": ["x"]}, ConfigurationError, "a str; got list"),
    ("step", {"action": 3}, ConfigurationError, "a str; got int"),
]


@pytest.mark.parametrize(("method", "arguments", "error", "fragment"), BAD_CALLS)
def test_a_bad_call_has_an_error_that_names_it_and_changes_nothing(
    method: str, arguments: dict, error: type[Exception], fragment: str
) -> None:
    env = made()
    env.reset(seed=0)
    before = env.episode
    with pytest.raises(error) as caught:
        getattr(env, method)(**arguments)
    assert fragment in str(caught.value)
    assert env.episode is before
    assert env.step(SEARCH)[4]["searches"] == 1


@pytest.mark.parametrize(
    ("arguments", "fragment"),
    [
        ({"render_mode": "rgb_array"}, "no render mode 'rgb_array'"),
        ({"render_mode": "asni"}, "did you mean 'ansi'?"),
        ({"task": live_task(), "top_k": 2}, "give a task or its options, not both"),
        ({"split": "train", "foo": 1}, "no argument 'foo'"),
    ],
)
def test_an_environment_that_cannot_be_made(arguments: dict, fragment: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SearchEnv(**arguments)
    assert fragment in str(caught.value)


@pytest.mark.parametrize("wrapped", [False, True], ids=["raw", "made"])
def test_a_step_needs_a_reset_before_it(wrapped: bool) -> None:
    env = gym.make("IGSearchQA-v0", **LIVE) if wrapped else made()
    with pytest.raises(ResetNeeded, match="reset"):
        env.step(SEARCH)
    env.reset(seed=0)
    env.step("<answer>x</answer>")
    with pytest.raises(ResetNeeded, match="call reset"):
        env.step(SEARCH)
    env.reset()
    assert env.step(SEARCH)[4]["searches"] == 1


def test_ansi_shows_the_episode_with_documents_and_gain() -> None:
    env = made(render_mode="ansi")
    assert env.render() is None
    env.reset(options={"question_id": "q00"})
    assert env.render() == "Question  Who directed Alpha?"
    env.step(SEARCH)
    env.step("hm")
    env.step("<answer>x</answer>")
    shown = env.render()
    assert shown is not None
    lines = shown.splitlines()
    assert lines[2] == "Step 1    search: Alpha is a film"
    assert lines[3].startswith("          · Alpha: Alpha is a film of 1950 directed by Delta Reyes")
    assert lines[6].startswith("          gain +")
    assert lines[6].endswith("documents, N = 3, statistical scorer)")
    assert lines[8] == "Step 2    invalid action: no_action"
    assert lines[10:] == ["Step 3    answer: x", "          gold: Delta Reyes | Delta"]


def test_human_prints_and_returns_none(capsys: pytest.CaptureFixture[str]) -> None:
    env = made(render_mode="human", max_searches=1)
    env.reset(options={"question_id": "q00"})
    env.step(SEARCH)
    env.step(SEARCH)
    assert env.render() is None
    printed = capsys.readouterr().out
    assert printed.count("Question  Who directed Alpha?") == 3
    assert "not carried out: no searches are left" in printed


def test_render_says_what_became_of_an_episode() -> None:
    env = made(max_searches=1, sampler="none")
    env.reset(seed=0)
    env.step(SEARCH)
    assert env.episode is not None
    assert "gain: not measured" in render_episode(env.episode, env.gains)
    for _ in range(3):
        env.step("x")
    assert render_episode(env.episode).endswith("truncated without an answer")
    env.reset(seed=0)
    env.step("<search>unreachable</search>")
    assert "the retrieval failed" in render_episode(env.episode)


def test_gains_are_kept_per_step() -> None:
    env = made()
    env.reset(seed=0)
    env.step(SEARCH)
    env.step("x")
    assert [gain is not None for gain in env.gains] == [True, False]
    env.reset()
    assert env.gains == ()


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_transcript_is_what_was_seen_and_written(protocol: str) -> None:
    env = made(protocol=protocol, max_searches=1)
    transcript, _ = env.reset(seed=0)
    for output in [SEARCH, SEARCH, "x", "<answer>a</answer>"]:
        transcript += output + env.step(output)[0]
    assert env.episode is not None
    assert env.episode.transcript == transcript


def test_numpy_strings_are_strings() -> None:
    env = made()
    env.reset(seed=0)
    assert env.step(np.str_(SEARCH))[4]["action"] == "search"


def test_documents_in_info_are_documents() -> None:
    env = made()
    env.reset(seed=0)
    *_, info = env.step(SEARCH)
    assert all(type(document) is Document for document in info["documents"])
