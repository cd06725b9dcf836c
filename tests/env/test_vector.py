from __future__ import annotations

import random
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from equality import assert_identical
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from scripted import (
    NAMES,
    QUESTIONS,
    FunctionScorer,
    OverlapRetriever,
    director,
    live_task,
)

from igs_env.env import SearchEnv
from igs_env.errors import ConfigurationError
from igs_env.vector import SearchVectorEnv

SEARCH, ANSWER = "<search>film in Peru</search>", "<answer>x</answer>"
MODES = list(AutoresetMode)


def pair(
    mode: AutoresetMode, size: int = 4, **options: Any
) -> tuple[SearchVectorEnv, SyncVectorEnv]:
    """The native vector environment and Gymnasium's, over equal tasks."""
    native = SearchVectorEnv(size, autoreset_mode=mode, task=live_task(**options))
    sync = SyncVectorEnv(
        [lambda: SearchEnv(task=live_task(**options)) for _ in range(size)], autoreset_mode=mode
    )
    return native, sync


def random_action(stream: random.Random) -> str:
    name = stream.choice(NAMES)
    return stream.choice(
        [
            f"<search>{name} is</search>",
            f"<think>x</think><search>film in Peru {name}</search> tail",
            "<search>zzz</search>",
            "no action",
            "<answer> </answer>",
            f"<answer>{director(stream.randrange(24))}</answer>",
        ]
    )


def check_same_run(native: Any, sync: Any, mode: AutoresetMode, steps: int) -> set[str]:
    """Play both with the same actions, comparing everything; the info keys that were seen."""
    stream, seen = random.Random(0), set()
    results = [envs.reset(seed=11) for envs in (native, sync)]
    assert_identical(*results)
    done = np.zeros(native.num_envs, dtype=np.bool_)
    for _ in range(steps):
        if mode is AutoresetMode.DISABLED and done.any():
            results = [envs.reset(options={"reset_mask": done.copy()}) for envs in (native, sync)]
            assert_identical(*results)
        actions = tuple(random_action(stream) for _ in range(native.num_envs))
        results = [envs.step(actions) for envs in (native, sync)]
        assert_identical(*results)
        done = results[0][2] | results[0][3]
        seen |= set(results[0][4])
    return seen


OPTIONS: list[dict[str, Any]] = [
    {},
    {"max_searches": 1},
    {"protocol": "autorefine", "counterfactuals": 5, "aliases": "logsumexp"},
    {"sampler": "hard_negatives"},
    {"sampler": "none"},
    {"scoring": "deferred"},
]


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_native_equals_gymnasiums_sync_bit_for_bit(mode: AutoresetMode, options: dict) -> None:
    seen = check_same_run(*pair(mode, **options), mode, steps=60)
    assert {"information_gain", "_information_gain", "question_id"} <= seen
    assert ("final_info" in seen) is (mode is AutoresetMode.SAME_STEP)


def test_the_gain_is_among_what_is_equal_and_is_not_always_zero() -> None:
    native, sync = pair(AutoresetMode.NEXT_STEP)
    gains = []
    for envs in (native, sync):
        envs.reset(seed=0, options={"question_id": "q00"})
        infos = envs.step((SEARCH, "<search>Alpha</search>", "<search>Delta</search>", ANSWER))[4]
        gains.append(infos["information_gain"].tolist())
        assert infos["information_gain_valid"].tolist() == [True, True, True, False]
        assert infos["information_gain"].dtype == np.float64
    assert gains[0] == gains[1]
    assert len(set(gains[0])) > 2


def test_each_environment_behaves_as_a_single_one_with_its_seed() -> None:
    native = SearchVectorEnv(3, autoreset_mode="Disabled", task=live_task())
    prompts, _ = native.reset(seed=40)
    texts, *_, infos = native.step((SEARCH,) * 3)
    for i in range(3):
        env = SearchEnv(task=live_task())
        prompt, _ = env.reset(seed=40 + i)
        text, *_, info = env.step(SEARCH)
        assert (prompts[i], texts[i]) == (prompt, text)
        assert {key: infos[key][i] for key in info} == info


@pytest.mark.parametrize("seeds", [[5, 6, 7, 8], [5, None, 7, None], [1, 1, 1, 1]])
def test_seeds_may_be_given_one_by_one(seeds: list[int | None]) -> None:
    native, sync = pair(AutoresetMode.DISABLED)
    for envs in (native, sync):
        envs.reset(seed=0)
    assert_identical(native.reset(seed=seeds), sync.reset(seed=seeds))
    assert_identical(native.step((SEARCH,) * 4), sync.step((SEARCH,) * 4))
    assert_identical(native.reset(), sync.reset())


@pytest.mark.parametrize("seed", [None, 77, [1, 2, 3, 4], [None, 2, None, 4]], ids=str)
def test_a_masked_reset_leaves_the_other_environments_alone(seed: Any) -> None:
    native, sync = pair(AutoresetMode.DISABLED)
    mask = np.array([True, False, False, True])
    for envs in (native, sync):
        envs.reset(seed=0)
        envs.step((ANSWER, SEARCH, "x", SEARCH))
    results = [
        envs.reset(seed=seed, options={"reset_mask": mask.copy()}) for envs in (native, sync)
    ]
    assert_identical(*results)
    observations, infos = results[0]
    assert "<information>\nDoc 1" in observations[1]
    assert infos["_question_id"].tolist() == mask.tolist()
    assert infos["question_id"][1] is None
    assert_identical(native.step((SEARCH,) * 4), sync.step((SEARCH,) * 4))
    assert_identical(native.reset(), sync.reset())


def test_disabled_an_ended_environment_waits_with_an_empty_observation() -> None:
    envs = SearchVectorEnv(2, autoreset_mode=AutoresetMode.DISABLED, task=live_task())
    envs.reset(seed=0)
    envs.step((ANSWER, "x"))
    before = envs.episodes[0]
    texts, rewards, terminated, truncated, infos = envs.step(("<search>ignored</search>", SEARCH))
    assert texts[0] == ""
    assert rewards.tolist() == [0.0, 0.0]
    assert terminated.tolist() == [True, False]
    assert truncated.tolist() == [False, False]
    assert infos["_action"].tolist() == [False, True]
    assert envs.episodes[0] is before
    envs.step((ANSWER, ANSWER))
    *_, infos = envs.step((ANSWER, ANSWER))
    assert infos == {}


def test_next_step_the_step_after_the_end_resets_and_ignores_its_action() -> None:
    envs = SearchVectorEnv(2, task=live_task())
    envs.reset(seed=0)
    *_, terminated, _, _ = envs.step((ANSWER, "x"))
    assert terminated.tolist() == [True, False]
    texts, rewards, terminated, _, infos = envs.step((ANSWER, ANSWER))
    assert "Question:" in texts[0]
    assert terminated.tolist() == [False, True]
    assert infos["action"].tolist() == ["reset", "answer"]
    assert rewards[0] == 0.0


def test_same_step_what_ended_is_in_final_obs_and_final_info() -> None:
    envs = SearchVectorEnv(2, autoreset_mode="SameStep", task=live_task())
    _, infos = envs.reset(seed=0, options={"question_id": "q00"})
    texts, rewards, terminated, _, infos = envs.step(("<answer>Delta</answer>", SEARCH))
    assert (rewards.tolist(), terminated.tolist()) == ([1.0, 0.0], [True, False])
    assert "Question:" in texts[0]
    assert infos["action"].tolist() == ["reset", "search"]
    assert infos["final_obs"].tolist() == ["", None]
    assert infos["_final_info"].tolist() == [True, False]
    assert infos["final_info"]["exact_match"].tolist() == [1.0, 0.0]
    assert infos["final_info"]["_exact_match"].tolist() == [True, False]


def grouped(num_envs: int = 6, group_size: int = 3, **options: Any) -> SearchVectorEnv:
    return SearchVectorEnv(
        num_envs, group_size=group_size, autoreset_mode="Disabled", task=live_task(**options)
    )


def test_members_of_a_group_share_question_group_id_and_counterfactuals() -> None:
    envs = grouped()
    prompts, infos = envs.reset(seed=0)
    assert prompts[0] == prompts[1] == prompts[2] != prompts[3] == prompts[4] == prompts[5]
    groups = infos["group_id"].tolist()
    assert groups[0] == groups[1] == groups[2] != groups[3] == groups[4] == groups[5]
    assert len({episode.id for episode in envs.episodes}) == 6
    assert [episode.member for episode in envs.episodes] == [0, 1, 2, 0, 1, 2]
    *_, infos = envs.step((SEARCH, "<search>Peru film</search>", SEARCH) * 2)
    drawn = infos["counterfactual_ids"].tolist()
    assert drawn[0] == drawn[1] == drawn[2] != drawn[3] == drawn[4] == drawn[5]


def test_a_group_asks_what_its_first_environment_alone_would_ask() -> None:
    prompts, _ = grouped().reset(seed=9)
    for leader in (0, 3):
        assert prompts[leader] == SearchEnv(task=live_task()).reset(seed=9 + leader)[0]


def test_other_questions_draws_come_from_the_other_groups_only() -> None:
    envs = grouped(sampler="other_questions")
    envs.reset(seed=0, options={"question_ids": ["q00", "q01"]})
    names = [f"<search>{name}</search>" for name in NAMES[:6]]
    *_, infos = envs.step(tuple(names))
    assert infos["information_gain_valid"].all()
    shown = [tuple(d.id for d in documents) for documents in infos["documents"].tolist()]
    for i, drawn in enumerate(infos["counterfactual_ids"].tolist()):
        assert sorted(drawn) == sorted(shown[3:] if i < 3 else shown[:3])


def test_t1_one_group_alone_has_no_gain_from_other_questions() -> None:
    envs = grouped(3, 3, sampler="other_questions")
    envs.reset(seed=0)
    *_, infos = envs.step((SEARCH,) * 3)
    assert not infos["information_gain_valid"].any()
    assert infos["information_gain"].tolist() == [0.0] * 3


def test_questions_are_chosen_per_group_that_is_reset() -> None:
    envs = grouped()
    _, infos = envs.reset(seed=0, options={"question_ids": ["q05", "q07"]})
    assert infos["question_id"].tolist() == ["q05"] * 3 + ["q07"] * 3
    mask = np.array([False] * 3 + [True] * 3)
    _, infos = envs.reset(options={"reset_mask": mask, "questions": [QUESTIONS[2]]})
    assert infos["question_id"].tolist() == [None] * 3 + ["q02"] * 3
    assert [e.question.id for e in envs.episodes] == ["q05"] * 3 + ["q02"] * 3
    _, infos = envs.reset(options={"question_id": "q01"})
    assert infos["question_id"].tolist() == ["q01"] * 6
    groups = infos["group_id"].tolist()
    assert groups[0] != groups[3]


def test_a_reset_may_ask_from_another_split_as_the_single_environment_does() -> None:
    envs = grouped(4, 2, split="train")
    _, infos = envs.reset(seed=0, options={"split": "dev"})
    asked = infos["question_id"].tolist()
    assert asked[0] == asked[1]
    assert set(asked) <= {question.id for question in QUESTIONS if question.split == "dev"}
    single = SearchEnv(task=live_task(split="train"))
    assert single.reset(seed=2, options={"split": "dev"})[1]["question_id"] == asked[2]
    _, infos = envs.reset(options={"split": "dev", "question_ids": ["q21", "q23"]})
    assert infos["question_id"].tolist() == ["q21", "q21", "q23", "q23"]


def test_a_new_group_on_the_same_question_draws_anew() -> None:
    envs = grouped(3, 3)
    ids = set()
    for _ in range(5):
        _, infos = envs.reset(options={"question_id": "q00"})
        ids.add(infos["group_id"][0])
    assert len(ids) == 5


def test_one_retrieval_and_one_scoring_call_per_step() -> None:
    retriever, scorer = OverlapRetriever(), FunctionScorer(lambda request: [-1.0])
    envs = SearchVectorEnv(16, task=live_task(retriever=retriever, scorer=scorer))
    envs.reset(seed=0)
    for step in range(1, 4):
        envs.step((SEARCH,) * 16)
        assert (len(retriever.calls), len(scorer.calls)) == (step, step)
    assert retriever.calls[0] == ("film in Peru",)
    assert len(scorer.calls[0]) == 16 * (1 + 3)


@pytest.mark.parametrize("mode", MODES)
def test_record_episode_statistics_counts_as_with_sync(mode: AutoresetMode) -> None:
    wrapped = [gym.wrappers.vector.RecordEpisodeStatistics(envs) for envs in pair(mode)]
    for envs in wrapped:
        envs.reset(seed=0, options={"question_id": "q00"})
    actions = [(SEARCH, ANSWER, "x", "<answer>Delta</answer>"), ("<answer>Delta</answer>",) * 4]
    seen = []
    for envs in wrapped:
        *_, infos = envs.step(actions[0])
        seen.append({key: infos["episode"][key].tolist() for key in ("r", "l")})
    assert seen[0] == seen[1]
    assert seen[0]["r"][3] == 1.0
    assert seen[0]["l"][3] == 1


def three(**options: Any) -> SearchVectorEnv:
    envs = SearchVectorEnv(3, autoreset_mode="Disabled", task=live_task())
    envs.reset(seed=0)
    return envs


HALF = np.array([True, False, False])
BAD_CALLS: list[tuple[str, dict[str, Any], type[Exception], str]] = [
    # what is called → error, and what its message holds
    ("reset", {"options": {"reset_maks": HALF}}, ConfigurationError, "mean 'reset_mask'?"),
    ("reset", {"options": {"reset_mask": HALF[:2]}}, ConfigurationError, "shape (3,), got bool"),
    ("reset", {"options": {"reset_mask": [1, 0, 0]}}, ConfigurationError, "got int64 (3,)"),
    ("reset", {"options": {"question_ids": ["q00"]}}, ConfigurationError, "expected 3, got 1"),
    ("reset", {"options": {"question_ids": None}}, ConfigurationError, "expected 3, got no list"),
    ("reset", {"options": {"question_ids": ["?"] * 3}}, ConfigurationError, "no question '?'"),
    ("reset", {"options": {"questions": ["q00"] * 3}}, ConfigurationError, "use question_id"),
    (
        "reset",
        {"options": {"questions": QUESTIONS[:3], "question_ids": ["q00"] * 3}},
        ConfigurationError,
        "give question_ids or questions, not both",
    ),
    (
        "reset",
        {"options": {"question_id": "q00", "question_ids": ["q00"] * 3}},
        ConfigurationError,
        "give question_ids or question_id, not both",
    ),
    ("reset", {"seed": [1, 2]}, ConfigurationError, "expected 3 seeds, got 2"),
    ("reset", {"seed": -1}, gym.error.Error, "-1"),
    ("step", {"actions": ["x"] * 2}, ConfigurationError, "expected 3 actions"),
    ("step", {"actions": "xyz"}, ConfigurationError, "expected 3 actions"),
    ("step", {"actions": ["x", None, "y"]}, ConfigurationError, "environment 1 got NoneType"),
    ("step", {"actions": ["x", "y", b"z"]}, ConfigurationError, "environment 2 got bytes"),
]


@pytest.mark.parametrize(("method", "arguments", "error", "fragment"), BAD_CALLS)
def test_a_bad_call_has_an_error_that_names_it_and_changes_nothing(
    method: str, arguments: dict, error: type[Exception], fragment: str
) -> None:
    envs = three()
    before = list(envs.episodes)
    with pytest.raises(error) as caught:
        getattr(envs, method)(**arguments)
    assert fragment in str(caught.value)
    assert envs.episodes == before


BAD_ARGUMENTS: list[tuple[dict[str, Any], str]] = [
    ({"num_envs": 0}, "positive multiple of group_size, got 0 and 1"),
    ({"num_envs": 5, "group_size": 2}, "positive multiple of group_size, got 5 and 2"),
    ({"num_envs": 4, "group_size": 0}, "positive multiple of group_size, got 4 and 0"),
    ({"num_envs": 4, "group_size": 2}, 'pass autoreset_mode="Disabled"'),
    ({"autoreset_mode": "Disable"}, "no autoreset mode 'Disable' (did you mean 'Disabled'?)"),
    ({"max_episode_steps": 5}, "an episode's length follows from max_searches"),
    ({"render_mode": "human"}, "render_mode is not supported"),
    ({"top_k": 3, "task": live_task()}, "give a task or its options, not both"),
    ({"topk": 3, "task": None}, "no argument 'topk' (did you mean 'top_k'?)"),
]


@pytest.mark.parametrize(("arguments", "fragment"), BAD_ARGUMENTS)
def test_an_environment_that_cannot_be_made(arguments: dict, fragment: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        SearchVectorEnv(**{"num_envs": 2, **arguments})
    assert fragment in str(caught.value)


def test_a_group_is_reset_as_a_whole() -> None:
    envs = grouped(4, 2)
    envs.reset(seed=0)
    with pytest.raises(ConfigurationError, match="must cover whole groups"):
        envs.reset(options={"reset_mask": np.array([True, False, True, True])})


def test_a_step_and_a_masked_reset_need_a_reset_before_them() -> None:
    envs = SearchVectorEnv(3, autoreset_mode="Disabled", task=live_task())
    with pytest.raises(ResetNeeded, match="reset"):
        envs.step((SEARCH,) * 3)
    with pytest.raises(ResetNeeded, match="the first reset must be of all"):
        envs.reset(options={"reset_mask": HALF})


def test_spaces_are_those_of_gymnasium() -> None:
    native, sync = pair(AutoresetMode.NEXT_STEP)
    assert native.single_observation_space == sync.single_observation_space
    assert native.single_action_space == sync.single_action_space
    assert native.observation_space == sync.observation_space
    assert native.action_space == sync.action_space
    observations, _ = native.reset(seed=0)
    assert native.observation_space.contains(observations)
    assert native.action_space.contains(native.action_space.sample())


def test_a_failed_retrieval_is_flagged_in_every_environment_of_the_call() -> None:
    envs = SearchVectorEnv(3, autoreset_mode="Disabled", task=live_task())
    envs.reset(seed=0)
    *_, truncated, infos = envs.step(("<search>unreachable</search>", SEARCH, "x"))
    assert truncated.tolist() == [True, True, False]
    assert infos["retrieval_failed"].tolist() == [True, True, False]
