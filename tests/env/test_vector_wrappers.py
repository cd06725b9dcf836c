"""Wrappers of the native vector environment do what those of single environments do."""

from __future__ import annotations

from functools import partial
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.error import ResetNeeded
from scripted import LIVE

import igs_env  # noqa: F401
from igs_env.errors import ConfigurationError
from igs_env.wrappers import (
    EmbedObservation,
    FlatInfo,
    InformationGainReward,
    QueryTemplateAction,
    VectorEmbedObservation,
    VectorFlatInfo,
    VectorInformationGainReward,
    VectorQueryTemplateAction,
)

PARTS = {"encoder_kwargs": {"dimensions": 32}, "parts": ("question", "documents", "progress")}
CHOICES = {"names": 1, "spans": 2, "follow": ("director",)}


def single() -> Any:
    env = QueryTemplateAction(gym.make("IGSearchQA-v0", **LIVE), **CHOICES)
    return FlatInfo(EmbedObservation(env, **PARTS))


def native(num_envs: int, **options: Any) -> Any:
    envs = gym.make_vec("IGSearchQA-v0", num_envs=num_envs, **LIVE, **options)
    envs = VectorQueryTemplateAction(envs, **CHOICES)
    return VectorFlatInfo(VectorEmbedObservation(envs, **PARTS))


def test_environment_i_is_a_single_one_seeded_with_seed_plus_i() -> None:
    envs, singles = native(3), [single() for _ in range(3)]
    rows, infos = envs.reset(seed=7)
    begun = [env.reset(seed=7 + i) for i, env in enumerate(singles)]
    check_equal(rows, infos, begun)
    for actions in ([0, 1, 5], [1, 2, 0], [4, 6, 3]):
        rows, rewards, terminated, truncated, infos = envs.step(np.array(actions))
        steps = [env.step(action) for env, action in zip(singles, actions, strict=True)]
        check_equal(rows, infos, [(step[0], step[4]) for step in steps])
        assert rewards.tolist() == [step[1] for step in steps]
        assert terminated.tolist() == [step[2] for step in steps]
        assert truncated.tolist() == [step[3] for step in steps]


def check_equal(rows: Any, infos: dict[str, Any], ones: list[tuple[Any, dict[str, Any]]]) -> None:
    for i, (vector, info) in enumerate(ones):
        np.testing.assert_array_equal(rows[i], vector)
        assert {key: infos[key][i] for key in info} == info
        assert all(infos[f"_{key}"][i] for key in info)


def test_spaces_hold_what_the_environments_give_and_take() -> None:
    envs = native(2)
    rows, _ = envs.reset(seed=0)
    assert rows in envs.observation_space
    assert rows.shape == (2, 32 + 32 + 3)
    assert envs.single_action_space == single().action_space
    assert envs.action_space.nvec.tolist() == [len(envs.env.env.meanings)] * 2


def test_a_finished_environment_waits_or_begins_anew_whatever_its_action() -> None:
    for mode, texts in {"Disabled": ["", "search"], "NextStep": ["reset", "search"]}.items():
        envs = native(2, autoreset_mode=mode)
        envs.reset(options={"question_ids": ["q00", "q02"]})
        envs.step([1, 1])
        _, rewards, terminated, _, _ = envs.step([index(envs, "answer director"), 0])
        assert (rewards[0], terminated.tolist()) == (1.0, [True, False])
        assert envs.step([0, 0])[4]["action"].tolist() == texts


def index(envs: Any, meaning: str) -> int:
    return int(envs.env.env.meanings.index(meaning))


def test_a_step_before_the_first_reset_is_refused() -> None:
    with pytest.raises(ResetNeeded, match="call reset"):
        native(2).step([0, 0])


def test_another_vector_environment_is_refused_with_what_to_do_instead() -> None:
    envs: Any = gym.make_vec("IGSearchQA-v0", num_envs=1, vectorization_mode="sync", **LIVE)
    rewarded = partial(VectorInformationGainReward, beta=1.0)
    for wrap in (VectorQueryTemplateAction, VectorEmbedObservation, VectorFlatInfo, rewarded):
        with pytest.raises(ConfigurationError, match="give SyncVectorEnv and AsyncVectorEnv wrap"):
            wrap(envs)


def test_the_gain_is_added_to_the_reward_of_every_environment_as_to_a_single_one() -> None:
    envs = VectorInformationGainReward(native(3), beta=0.5)
    singles = [InformationGainReward(single(), beta=0.5) for _ in range(3)]
    envs.reset(seed=7)
    for i, env in enumerate(singles):
        env.reset(seed=7 + i)
    gains = []
    for actions in ([0, 1, 1], [1, 0, 0]):
        _, rewards, _, _, infos = envs.step(np.array(actions))
        alone = [env.step(action)[1] for env, action in zip(singles, actions, strict=True)]
        assert rewards.tolist() == alone == (0.5 * infos["information_gain"]).tolist()
        gains += alone
    assert any(gains)


def test_a_finished_environment_gets_no_gain_while_it_waits() -> None:
    envs = VectorInformationGainReward(native(2, autoreset_mode="Disabled"), beta=0.5)
    envs.reset(options={"question_ids": ["q00", "q02"]})
    envs.step([1, 1])
    envs.step([index(envs.env, "answer director")] * 2)
    assert envs.step([0, 0])[1].tolist() == [0.0, 0.0]


def test_a_gain_cannot_be_added_where_infos_are_of_the_next_episode() -> None:
    with pytest.raises(ConfigurationError, match="use NEXT_STEP or DISABLED"):
        VectorInformationGainReward(
            gym.make_vec("IGSearchQA-v0", num_envs=1, autoreset_mode="SameStep", **LIVE), beta=0.5
        )
    with pytest.raises(ConfigurationError, match="beta must be a finite number, got nan"):
        VectorInformationGainReward(native(1), beta=float("nan"))
