"""Wrappers of the native vector environment do what those of single environments do."""

from __future__ import annotations

from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from scripted import LIVE

import igs_env  # noqa: F401
from igs_env.errors import ConfigurationError
from igs_env.wrappers import (
    EmbedObservation,
    FlatInfo,
    QueryTemplateAction,
    VectorEmbedObservation,
    VectorFlatInfo,
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


def test_another_vector_environment_is_refused_with_what_to_do_instead() -> None:
    envs: Any = gym.make_vec("IGSearchQA-v0", num_envs=1, vectorization_mode="sync", **LIVE)
    for wrap in (VectorQueryTemplateAction, VectorEmbedObservation, VectorFlatInfo):
        with pytest.raises(ConfigurationError, match="give SyncVectorEnv and AsyncVectorEnv wrap"):
            wrap(envs)
