"""Tianshou's collectors get from the native vector environment what single ones would give."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from tianshou.env import BaseVectorEnv, DummyVectorEnv
from tianshou_parts import actor_policy, collected, native

from igs_agent.adapters.tianshou import MacroEnv, NativeVectorEnv, macro_vector_env
from igs_env.errors import ConfigurationError

FIELDS = ("obs", "act", "rew", "terminated", "truncated", "obs_next")


def singles(num_envs: int, seed: int = 0, **options: Any) -> Any:
    envs = DummyVectorEnv([lambda: MacroEnv("single-hop", **options) for _ in range(num_envs)])
    envs.seed(seed)
    return envs


def test_a_collector_gathers_the_same_from_it_as_from_single_environments() -> None:
    ours, theirs = (
        collected(actor_policy(seed=3), envs, episodes=11)
        for envs in (native(4, seed=5), singles(4, seed=5))
    )
    assert len(ours) == len(theirs) > 11
    for field in FIELDS:
        np.testing.assert_array_equal(ours[:][field], theirs[:][field])
    for key in theirs[:].info.get_keys():
        assert (ours[:].info[key] == theirs[:].info[key]).all(), key
    assert ours[:].info.information_gain_valid.any()


def test_random_actions_are_those_of_single_environments_with_the_same_seed() -> None:
    ours, theirs = native(3, seed=8), singles(3, seed=8)
    assert isinstance(ours, BaseVectorEnv)
    drawn = [
        [w.action_space.sample() for w in envs.workers for _ in "12"] for envs in (ours, theirs)
    ]
    assert drawn[0] == drawn[1]
    assert ours.action_space == theirs.action_space
    assert len(set(drawn[0])) > 1


def test_environments_that_are_left_out_of_a_step_or_a_reset_stay_as_they_are() -> None:
    envs, others = native(3), native(3)
    for each in (envs, others):
        each.reset()
    envs.step(np.array([0]), id=[1])
    before = [envs.envs.unwrapped.episodes[i] for i in (0, 2)]
    envs.step(np.array([9]), id=[1])
    envs.reset(env_id=[1])
    assert [envs.envs.unwrapped.episodes[i] for i in (0, 2)] == before
    rows, *_ = envs.step(np.array([1, 0]), id=[2, 0])
    expected, *_ = others.step(np.array([0, 2, 1]))
    np.testing.assert_array_equal(rows, expected[[2, 0]])


def test_a_step_that_fails_leaves_the_others_as_they_are() -> None:
    envs = native(2)
    envs.reset()
    before = list(envs.envs.unwrapped.episodes)
    with pytest.raises(ConfigurationError, match="99"):
        envs.step(np.array([99]), id=[0])
    assert list(envs.envs.unwrapped.episodes) == before
    assert len(envs.step(np.array([0, 0]))[0]) == 2


def test_an_episode_that_is_over_must_be_reset_and_a_first_reset_is_of_all() -> None:
    envs = NativeVectorEnv(macro_vector_env(num_envs=2, sampler="none"))
    with pytest.raises(ResetNeeded, match="call reset"):
        envs.step(np.array([0, 0]))
    with pytest.raises(ResetNeeded, match="must be of all"):
        envs.reset(env_id=[0])
    envs.reset()
    envs.step(np.array([0, 0]))
    _, _, terminated, _, _ = envs.step(np.array([3, 0]))
    assert terminated.tolist() == [True, False]
    with pytest.raises(ResetNeeded, match="environment 0 is over"):
        envs.step(np.array([0, 0]))


def group_ids(infos: Any) -> list[str]:
    return [info["group_id"] for info in infos]


def test_members_of_a_group_share_question_and_draws_and_groups_differ() -> None:
    envs = native(6, group_size=3, seed=1)
    _, infos = envs.reset()
    first, second = group_ids(infos)[0], group_ids(infos)[3]
    assert group_ids(infos) == [first] * 3 + [second] * 3
    assert first != second
    _, _, _, _, infos = envs.step(np.zeros(6, dtype=np.int64))
    gains = [info["information_gain"] for info in infos]
    assert gains == [gains[0]] * 3 + [gains[3]] * 3
    assert gains[0] != gains[3]


def test_the_next_episode_of_a_slow_member_is_the_groups_too() -> None:
    envs = native(2, group_size=2)
    envs.reset()
    envs.step(np.array([0, 0]))
    envs.step(np.array([3]), id=[0])
    _, infos = envs.reset(env_id=[0])
    ahead = infos[0]["group_id"]
    assert ahead != envs.step(np.array([0]), id=[1])[4][0]["group_id"]
    _, infos = envs.reset(env_id=[1])
    assert infos[0]["group_id"] == ahead
    envs.reset(env_id=[0])
    _, infos = envs.reset()
    assert len(set(group_ids(infos))) == 1


def test_a_collection_of_as_many_episodes_as_environments_has_complete_groups() -> None:
    envs = native(12, group_size=4, seed=2)
    buffer = collected(actor_policy(), envs, episodes=12)
    batch = buffer[:]
    ends = batch.info.group_id[batch.done]
    assert sorted(np.unique(ends, return_counts=True)[1].tolist()) == [4, 4, 4]


def test_seeds_decide_the_questions_of_groups_and_an_unseeded_group_keeps_its_own() -> None:
    envs = native(4, group_size=2)
    rounds = []
    for seed in (3, 3, [3, None, None, None], 4):
        assert envs.seed(seed) == (
            [[seed + i] for i in range(4)] if isinstance(seed, int) else [[3], None, None, None]
        )
        rounds.append(group_ids(envs.reset()[1]))
    assert rounds[0] == rounds[1] == rounds[2]
    assert set(rounds[0]).isdisjoint(rounds[3])
    with pytest.raises(ConfigurationError, match="reset cannot give: call Nat"):
        envs.reset(seed=1)


def test_reset_options_reach_the_environments() -> None:
    envs = native(2)
    ids = [question.id for question in envs.envs.unwrapped.task.questions[:2]]
    _, infos = envs.reset(options={"question_ids": ids})
    assert [info["question_id"] for info in infos] == ids


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (
            lambda: NativeVectorEnv(gym.make_vec("CartPole-v1", vectorization_mode="sync")),
            "got SyncVectorEnv; for others there is tianshou.env.DummyVectorEnv",
        ),
        (lambda: NativeVectorEnv(gym.make_vec("IGSearchQA-v0")), 'autoreset_mode="Disabled"'),
        (
            lambda: NativeVectorEnv(
                gym.make_vec("IGSearchQA-v0", num_envs=4, group_size=2, autoreset_mode="Disabled")
            ),
            "leave group_size=2 out of make_vec and give it to NativeVectorEnv",
        ),
        (lambda: native(4, group_size=3), "4, must be a multiple of group_size, got 3"),
        (lambda: native(4, group_size=0), "must be a multiple of group_size, got 0"),
        (lambda: native(1).render(), "render a single environment"),
        (lambda: native(1).set_env_attr("beta", 1.0), "beta cannot be set for one environment"),
    ],
)
def test_what_cannot_be_done_is_said(make: Any, said: str) -> None:
    with pytest.raises(ConfigurationError, match=said):
        make()


def test_closing_closes_what_is_driven_once() -> None:
    envs = native(2)
    envs.close()
    assert envs.envs.unwrapped.closed
    with pytest.raises(AssertionError, match="cannot be called after close"):
        envs.seed(0)
