"""The presets are environments that Gymnasium and unmodified Tianshou scripts take."""

from __future__ import annotations

import json
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from gymnasium.utils.env_checker import check_env
from tianshou.algorithm import PPO
from tianshou.data import Collector
from tianshou.env import DummyVectorEnv
from tianshou.trainer import OnPolicyTrainerParams
from tianshou_parts import actor_policy, adam, collector, critic, weights

from igs_agent.adapters.tianshou import PRESETS, MacroEnv, macro_vector_env, register_presets
from igs_agent.adapters.tianshou.presets import KEYS
from igs_env.errors import ConfigurationError

TASK = "igs_agent.adapters.tianshou:IGSearchQA-SingleHop-Macro-v0"


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_a_preset_passes_gymnasiums_checker_and_its_spec_is_json(name: str) -> None:
    env = gym.make(name)
    check_env(env.unwrapped)
    assert env.spec is not None
    assert json.loads(env.spec.to_json())["id"] == name
    register_presets()
    assert gym.spec(name).kwargs == PRESETS[name]


def test_what_tianshous_workers_ask_for_are_vectors_and_indices() -> None:
    env = gym.make(TASK)
    unwrapped: Any = env.unwrapped
    assert isinstance(unwrapped, MacroEnv)
    assert unwrapped.action_space == gym.spaces.Discrete(len(unwrapped.meanings))
    assert isinstance(unwrapped.observation_space, gym.spaces.Box)
    assert unwrapped.meanings[0] == "search question"


def test_the_best_choices_of_an_episode_earn_the_reward_and_a_gain() -> None:
    env = MacroEnv("single-hop")
    _, info = env.reset(seed=0)  # the director of The Pink Panther Strikes Again
    _, reward, terminated, _, info = env.step(env.meanings.index("search question"))
    assert (reward, terminated, info["information_gain_valid"]) == (0.0, False, True)
    _, reward, terminated, _, info = env.step(env.meanings.index("answer director"))
    assert (reward, terminated, info["exact_match"]) == (1.0, True, 1.0)


def test_beta_adds_the_gain_to_the_reward_alone_and_in_the_vector_environment() -> None:
    env = MacroEnv("single-hop", beta=0.5)
    env.reset(seed=0)
    _, reward, _, _, info = env.step(0)
    assert reward == 0.5 * info["information_gain"] > 0
    envs = macro_vector_env("single-hop", num_envs=1, beta=0.5)
    envs.reset(seed=0)
    assert envs.step(np.array([0]))[1].tolist() == [reward]


def test_multi_hop_can_search_for_what_the_newest_documents_name() -> None:
    single, multi = MacroEnv("single-hop"), MacroEnv("multi-hop")
    followed = [m for m in multi.meanings if m not in single.meanings]
    assert "search director" in followed
    assert len(multi.meanings) == len(single.meanings) + 7
    multi.reset(seed=0)
    assert multi.inner.unwrapped.episode.question.hops > 1  # type: ignore[attr-defined]


def test_an_unknown_preset_is_answered_with_the_nearest() -> None:
    for make in (MacroEnv, lambda preset: macro_vector_env(preset, num_envs=1)):
        with pytest.raises(ConfigurationError, match="did you mean 'single-hop'"):
            make("singlehop")


@pytest.mark.filterwarnings("error")
def test_rendering_shows_the_text_episode() -> None:
    env = gym.make(TASK, render_mode="ansi")
    env.reset(seed=0)
    assert "The Pink Panther Strikes Again" in str(env.render())
    env.close()


def test_a_script_as_tianshous_own_trains_ppo_by_the_tasks_name() -> None:
    train, test = (
        DummyVectorEnv([lambda: gym.make(TASK, sampler="none") for _ in range(n)]) for n in (4, 2)
    )
    train.seed(0)
    policy = actor_policy()
    algorithm = PPO(policy=policy, critic=critic(), optim=adam())
    before = weights(algorithm)
    result = algorithm.run_training(
        OnPolicyTrainerParams(
            training_collector=collector(algorithm, train),
            test_collector=Collector(algorithm, test),
            test_step_num_episodes=4,
            epoch_num_steps=200,
            collection_step_num_env_steps=100,
            batch_size=50,
            max_epochs=1,
            verbose=False,
            show_progress=False,
        )
    )
    assert (result.train_step, result.update_step) == (200, 2)
    assert (weights(algorithm) != before).any()


def test_infos_hold_what_learners_read_and_no_documents() -> None:
    env, envs = MacroEnv("single-hop"), macro_vector_env("single-hop", num_envs=2)
    _, info = env.reset(seed=0)
    assert tuple(info) == KEYS
    assert tuple(env.step(0)[-1]) == KEYS
    envs.reset(seed=0)
    assert {key.removeprefix("_") for key in envs.step(np.array([0, 1]))[-1]} == set(KEYS)
