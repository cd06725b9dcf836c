"""Wrappers: what they change, that they check, and that specs record them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from scripted import LIVE

import igs_env  # noqa: F401
from igs_env.errors import ConfigurationError
from igs_env.retrievers.encoder import make_encoder
from igs_env.testing import check_environment
from igs_env.wrappers import (
    EmbedObservation,
    FlatInfo,
    InformationGainReward,
    RecordEpisodes,
    TranscriptObservation,
)
from igs_env.wrappers.spans import names_in

SEARCH = "<search>Who directed Alpha?</search>"


def made(**options: Any) -> Any:
    return gym.make("IGSearchQA-v0", **{**LIVE, **options})


def test_a_transcript_observation_ends_with_the_steps_own_text() -> None:
    env, plain = TranscriptObservation(made()), made()
    prompt, _ = env.reset(seed=0)
    assert plain.reset(seed=0)[0] == prompt
    seen, own = env.step(SEARCH)[0], plain.step(SEARCH)[0]
    assert seen == prompt + SEARCH + own


def test_flat_info_holds_scalars_and_strings_and_loses_nothing() -> None:
    env, plain = FlatInfo(made()), made()
    env.reset(seed=0), plain.reset(seed=0)
    flat, full = env.step(SEARCH)[4], plain.step(SEARCH)[4]
    assert flat.keys() == full.keys()
    scalars = {k: v for k, v in full.items() if isinstance(v, bool | int | float | str)}
    assert {key: flat[key] for key in scalars} == scalars
    ids = [document["id"] for document in json.loads(flat["documents"])]
    assert ids == [document.id for document in full["documents"]]
    assert json.loads(flat["counterfactual_ids"]) == [list(x) for x in full["counterfactual_ids"]]


def test_flat_info_keeps_the_type_of_a_key_and_makes_columns_of_numbers() -> None:
    fixed = {np.float64, np.int64, bool, str}
    env = FlatInfo(InformationGainReward(made(), beta=1.0))
    infos = [env.reset(seed=0)[1], env.step(SEARCH)[4], env.step("<answer>x</answer>")[4]]
    types = [{key: type(value) for key, value in info.items()} for info in infos]
    assert types[0] == types[1] == types[2]
    assert set(types[0].values()) <= fixed
    envs = gym.make_vec(
        "IGSearchQA-v0", num_envs=2, vectorization_mode="sync", wrappers=[FlatInfo], **LIVE
    )
    _, columns = envs.reset(seed=0)
    for key, kind in types[0].items():
        assert columns[key].dtype == (object if kind is str else np.dtype(kind)), key


def test_the_gain_is_added_where_it_is_valid_and_nowhere_else() -> None:
    env = InformationGainReward(made(), beta=0.5)
    env.reset(seed=0, options={"question_id": "q00"})
    _, reward, _, _, info = env.step(SEARCH)
    assert info["information_gain"] != 0
    assert reward == 0.5 * info["information_gain"]
    assert env.step("nothing")[1] == 0.0


def test_embedded_observations_are_unit_vectors_of_the_asked_size() -> None:
    env = EmbedObservation(made(), encoder_kwargs={"dimensions": 32})
    vector, _ = env.reset(seed=0)
    assert vector in env.observation_space
    assert vector.shape == (32,)
    np.testing.assert_allclose(np.linalg.norm(vector), 1.0, atol=1e-5)
    assert not np.array_equal(vector, env.step(SEARCH)[0])


def test_parts_of_an_embedding_stand_one_after_the_other() -> None:
    parts = ("question", "documents", "progress", "observation")
    env = EmbedObservation(made(max_searches=2), encoder_kwargs={"dimensions": 32}, parts=parts)
    begun, _ = env.reset(options={"question_id": "q00"})
    prompt = env.unwrapped.episode.prompt
    vector, *_, info = env.step(SEARCH)
    assert vector in env.observation_space
    shown = "\n".join(f"{d.title}: {d.text}" for d in info["documents"])
    text = env.unwrapped.episode.steps[-1].observation
    encode = make_encoder("hashing", dimensions=32).encode
    question, documents, old, new = encode(["Who directed Alpha?", shown, prompt, text])
    # One of 2 searches, one of 2 + 3 steps, and there are documents.
    np.testing.assert_array_equal(begun, np.float32([*question, *[0] * 32, 0, 0, 0, *old]))
    expected = [*question, *documents, 1 / 2, 1 / 5, 1, *new]
    np.testing.assert_array_equal(vector, np.float32(expected))


def test_finished_episodes_are_lines_that_can_be_read_at_once(tmp_path: Path) -> None:
    env = RecordEpisodes(made(), tmp_path / "episodes.jsonl")
    for answer in ("wrong", "right"):
        env.reset(options={"question_id": "q00"})
        gold = env.unwrapped.episode.question.answers[0]
        _, _, _, _, info = env.step(SEARCH)
        env.step(f"<answer>{gold if answer == 'right' else 'nobody'}</answer>")
    rows = [json.loads(line) for line in (tmp_path / "episodes.jsonl").open()]
    assert [row["reward"] for row in rows] == [0.0, 1.0]
    assert rows[1]["steps"][0]["gain"]["value"] == info["information_gain"]
    assert rows[0]["steps"][0]["text"] == "Who directed Alpha?"
    env.close()
    env.close()


def test_an_episode_that_is_not_over_is_not_recorded(tmp_path: Path) -> None:
    env = RecordEpisodes(made(), tmp_path / "episodes.jsonl")
    env.reset(seed=0)
    env.step(SEARCH)
    assert (tmp_path / "episodes.jsonl").read_text() == ""


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Who wrote the film A Touch of Mink?", ["A Touch of Mink"]),
        ("In which year was Éva Ágnes Ó born?", ["Éva Ágnes Ó"]),
        ("no names here", []),
        ("It runs for 118 minutes.", []),
    ],
)
def test_names_of_a_text(text: str, names: list[str]) -> None:
    assert [name.text for name in names_in(text)] == names


@pytest.mark.parametrize(
    "wrap",
    [
        TranscriptObservation,
        lambda env: EmbedObservation(env, encoder_kwargs={"dimensions": 16}),
        lambda env: InformationGainReward(env, beta=0.1),
    ],
    ids=["transcript", "embed", "gain_reward"],
)
def test_wrapped_environments_pass_gymnasiums_checks(wrap: Any) -> None:
    check_environment(wrap(made().unwrapped), text_actions=False)


def test_a_spec_records_the_wrappers_and_their_arguments() -> None:
    env = InformationGainReward(TranscriptObservation(made()), beta=0.25)
    again = gym.make(env.spec)
    prompt, _ = again.reset(seed=0)
    text, reward, _, _, info = again.step(SEARCH)
    assert text.startswith(prompt)
    assert reward == 0.25 * info["information_gain"]


def test_wrong_arguments_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="did you mean 'question'"):
        EmbedObservation(made(), parts=["questoin"])
    with pytest.raises(ConfigurationError, match="parts must be a list of one or more of"):
        EmbedObservation(made(), parts="question")
    with pytest.raises(ConfigurationError, match="beta must be a finite number"):
        InformationGainReward(made(), beta=float("nan"))
    with pytest.raises(ConfigurationError, match="cannot be recorded"):
        RecordEpisodes(made(), tmp_path / "missing" / "episodes.jsonl")
    with pytest.raises(ConfigurationError, match="for igs_env's environments"):
        TranscriptObservation(gym.make("CartPole-v1"))  # type: ignore[arg-type]
