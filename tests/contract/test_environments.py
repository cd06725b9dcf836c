"""What Gymnasium demands, for every registered environment under every protocol.

Each is checked on its own data, where that is installed, and on a small live world.
"""

from __future__ import annotations

import importlib.util
import pickle
import random
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from equality import assert_identical
from gymnasium.envs.registration import EnvSpec
from gymnasium.utils.env_checker import check_env
from scripted import LIVE

from igs_env import ENVIRONMENTS
from igs_env.protocols import PROTOCOLS
from igs_env.vector import SearchVectorEnv

Variant = tuple[str, dict[str, Any]]


def missing_data(id: str) -> str | None:
    """Why an environment's own data cannot be used, or None."""
    name = ENVIRONMENTS[id].get("questions", "atlas").partition(":")[0]
    found = importlib.util.find_spec(f"igs_env.datasets.{name}")
    return None if found else f"the data set {name!r} is not built yet"


def variants() -> Iterator[Any]:
    for id in ENVIRONMENTS:
        for protocol in PROTOCOLS:
            yield pytest.param((id, {**LIVE, "protocol": protocol}), id=f"{id}-{protocol}-live")
            reason = missing_data(id)
            skip = [pytest.mark.skip(reason=reason)] if reason else []
            yield pytest.param((id, {"protocol": protocol}), id=f"{id}-{protocol}", marks=skip)


every_variant = pytest.mark.parametrize("variant", list(variants()))
LIVE_ID = "IGSearchQA-v0"
WORDS = ("film", "Peru", "Alpha", "directed", "born", "capital", "year", "the", "unheard-of")


@contextmanager
def no_warnings() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


def outputs(stream: random.Random, count: int) -> tuple[str, ...]:
    query = " ".join(stream.choices(WORDS, k=3))
    forms = [f"<search>{query}</search>"] * 4 + [
        "nothing",
        f"<answer>{query}</answer>",
        "</answer>",
    ]
    return tuple(stream.choices(forms, k=count))


@every_variant
def test_check_env_passes_without_a_warning(
    variant: Variant, capsys: pytest.CaptureFixture[str]
) -> None:
    id, options = variant
    env = gym.make(id, **options)
    with no_warnings():
        check_env(env.unwrapped)
    capsys.readouterr()  # what the human render mode printed


@every_variant
def test_an_episode_runs_without_a_warning_under_gymnasiums_wrappers(variant: Variant) -> None:
    id, options = variant
    stream = random.Random(0)
    with no_warnings():
        env = gym.wrappers.RecordEpisodeStatistics(gym.make(id, **options))
        env.reset(seed=0)
        for _ in range(3):
            total, length, done = 0.0, 0, False
            while not done:
                _, reward, terminated, truncated, info = env.step(*outputs(stream, 1))
                total, length, done = total + reward, length + 1, terminated or truncated
            assert (info["episode"]["r"], info["episode"]["l"]) == (total, length)
            env.reset()
        env.close()
        env.close()


@every_variant
def test_a_spec_survives_json_and_pickle(variant: Variant) -> None:
    id, options = variant
    spec = gym.make(id, **options).spec
    assert spec is not None
    for copy in (EnvSpec.from_json(spec.to_json()), pickle.loads(pickle.dumps(spec))):
        assert copy == spec
        one, two = copy.make(), spec.make()
        assert_identical(one.reset(seed=1), two.reset(seed=1))
        assert_identical(*(env.step("<search>film</search>") for env in (one, two)))


@every_variant
def test_native_sync_and_single_agree_bit_for_bit(variant: Variant) -> None:
    id, options = variant
    size = 3
    native = gym.make_vec(id, num_envs=size, **options)
    sync = gym.make_vec(id, num_envs=size, vectorization_mode="sync", **options)
    assert isinstance(native.unwrapped, SearchVectorEnv)
    stream = random.Random(1)
    results = native.reset(seed=5), sync.reset(seed=5)
    assert_identical(*results)
    singles = [gym.make(id, **options) for _ in range(size)]
    for i, single in enumerate(singles):
        prompt, _ = single.reset(seed=5 + i)
        assert prompt == results[0][0][i]
    over = [False] * size
    for _ in range(20):
        actions = outputs(stream, size)
        results = native.step(actions), sync.step(actions)
        assert_identical(*results)
        texts, rewards, _, _, infos = results[0]
        for i, single in enumerate(singles):
            if over[i]:
                text, info = single.reset()
                reward, over[i] = 0.0, False
            else:
                text, reward, terminated, truncated, info = single.step(actions[i])
                over[i] = terminated or truncated
            assert (texts[i], rewards[i]) == (text, reward)
            assert {key: infos[key][i] for key in info} == info
    native.close()
    sync.close()


@every_variant
def test_vector_statistics_are_recorded_without_a_warning(variant: Variant) -> None:
    id, options = variant
    with no_warnings():
        envs = gym.wrappers.vector.RecordEpisodeStatistics(gym.make_vec(id, num_envs=2, **options))
        envs.reset(seed=0)
        *_, infos = envs.step(("<answer>x</answer>", "<search>film</search>"))
    assert infos["episode"]["l"].tolist() == [1, 0]
    assert infos["_episode"].tolist() == [True, False]
    envs.close()


def test_async_without_shared_memory_agrees_with_native_bit_for_bit() -> None:
    kwargs = {"shared_memory": False}
    asynchronous = gym.make_vec(
        LIVE_ID, num_envs=2, vectorization_mode="async", vector_kwargs=kwargs, **LIVE
    )
    native = gym.make_vec(LIVE_ID, num_envs=2, **LIVE)
    try:
        stream = random.Random(2)
        assert_identical(asynchronous.reset(seed=3), native.reset(seed=3))
        for _ in range(12):
            actions = outputs(stream, 2)
            assert_identical(asynchronous.step(actions), native.step(actions))
    finally:
        asynchronous.close()


def test_async_passes_every_character() -> None:
    asynchronous = gym.make_vec(
        LIVE_ID,
        num_envs=2,
        vectorization_mode="async",
        vector_kwargs={"shared_memory": False},
        **LIVE,
    )
    try:
        asynchronous.reset(seed=0)
        texts, *_, infos = asynchronous.step(("<search>\ud800 é Alpha</search>", "\0 \udfff"))
        assert "Alpha is a film" in texts[0]
        assert infos["action"].tolist() == ["search", "invalid"]
    finally:
        asynchronous.close()


def test_async_with_its_default_shared_memory_fails_loudly() -> None:
    with pytest.raises(TypeError, match="pass shared_memory=False to AsyncVectorEnv"):
        gym.make_vec(LIVE_ID, num_envs=2, vectorization_mode="async", **LIVE)


@pytest.mark.parametrize("mode", ["NextStep", "SameStep", "Disabled"])
def test_make_vec_takes_an_autoreset_mode(mode: str) -> None:
    envs = gym.make_vec(LIVE_ID, num_envs=2, autoreset_mode=mode, **LIVE)
    assert envs.metadata["autoreset_mode"] == gym.vector.AutoresetMode(mode)
    assert SearchVectorEnv.metadata["autoreset_mode"] == gym.vector.AutoresetMode.NEXT_STEP
    envs.close()


def test_make_vec_makes_groups() -> None:
    envs = gym.make_vec(LIVE_ID, num_envs=4, group_size=2, autoreset_mode="Disabled", **LIVE)
    _, infos = envs.reset(seed=0)
    groups = infos["group_id"].tolist()
    assert groups[0] == groups[1] != groups[2] == groups[3]
    mask = np.array([False, False, True, True])
    _, infos = envs.reset(options={"reset_mask": mask, "question_ids": ["q02"]})
    assert infos["question_id"].tolist() == [None, None, "q02", "q02"]
    envs.close()


def test_gymnasiums_time_limit_truncates() -> None:
    env = gym.make(LIVE_ID, max_episode_steps=2, **LIVE)
    env.reset(seed=0)
    assert env.step("x")[2:4] == (False, False)
    assert env.step("x")[2:4] == (False, True)


def test_a_misspelt_argument_is_named_through_make() -> None:
    for make in (gym.make, gym.make_vec):
        with pytest.raises(ValueError, match=r"no argument 'top_n'.*choose from"):
            make(LIVE_ID, top_n=3, **LIVE)


def test_an_environment_can_be_made_with_live_objects() -> None:
    import scripted

    env = gym.make(
        LIVE_ID,
        questions=scripted.QUESTIONS,
        corpus=scripted.CORPUS,
        retriever=scripted.OverlapRetriever(),
    )
    env.reset(seed=0)
    assert env.step("<search>Alpha</search>")[4]["searches"] == 1
