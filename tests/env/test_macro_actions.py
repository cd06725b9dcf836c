"""Discrete actions: what can be reached with them, that no constant script does, what they mean."""

from __future__ import annotations

import json
from functools import lru_cache
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
from numpy.typing import NDArray
from scripted import LIVE

import igs_env  # noqa: F401
from igs_env.answers import exact_match
from igs_env.errors import ConfigurationError
from igs_env.types import Document
from igs_env.wrappers import EmbedObservation, FlatInfo, QueryTemplateAction
from igs_env.wrappers.answer_slots import SLOTS, reading

TRAIN, DEV = 500, 150


def small(**options: Any) -> QueryTemplateAction:
    return QueryTemplateAction(gym.make("IGSearchQA-v0", **LIVE), **options)


def index(env: QueryTemplateAction, meaning: str) -> int:
    return env.meanings.index(meaning)


@lru_cache
def outcomes(split: str, size: int, searches: int) -> tuple[list[str], NDArray[np.float64]]:
    """Ids, and exact match of each answer action after each of the first `searches` searches.

    Shape (questions, searches, actions); NaN-free: an action without a text scores 0.
    """
    env = QueryTemplateAction(gym.make("IGSearchQA-SingleHop-v0", split=split, sampler="none"))
    questions = env.unwrapped.task.questions  # type: ignore[attr-defined]
    ids = [questions[i].id for i in range(0, len(questions), len(questions) // size)][:size]
    table = np.zeros((len(ids), searches, len(env.meanings)))
    for row, id in zip(table, ids, strict=True):
        for search in range(searches):
            env.reset(options={"question_id": id})
            golds = env.unwrapped.episode.question.answers  # type: ignore[attr-defined]
            env.step(search)
            row[search] = [c.kind == "answer" and exact_match(c.text, golds) for c in env.choices()]
    return ids, table


def test_nearly_every_single_hop_question_can_be_answered_with_two_actions() -> None:
    _, table = outcomes("dev", DEV, 3)
    assert table.max(axis=(1, 2)).mean() >= 0.85


def test_no_constant_pair_of_actions_answers_half_of_the_questions() -> None:
    _, table = outcomes("dev", DEV, 3)
    assert 0.1 <= table.mean(axis=0).max() <= 0.5


def test_what_the_table_promises_is_what_the_environment_pays() -> None:
    ids, table = outcomes("dev", DEV, 3)
    env = QueryTemplateAction(gym.make("IGSearchQA-SingleHop-v0", split="dev", sampler="none"))
    for id, row in list(zip(ids, table, strict=True))[:5]:
        search, answer = np.unravel_index(row.argmax(), row.shape)
        env.reset(options={"question_id": id})
        env.step(search)
        _, reward, terminated, _, _ = env.step(answer)
        assert (reward, terminated) == (row.max(), True)


def test_a_linear_policy_learns_from_the_embedded_question_which_answer_to_give() -> None:
    """Softmax over actions, expected reward climbed on train questions, greedy on dev."""
    train_ids, train = outcomes("train", TRAIN, 1)
    dev_ids, dev = outcomes("dev", DEV, 3)
    observed, rewards = vectors("train", train_ids), train[:, 0]
    weights = np.zeros((observed.shape[1], rewards.shape[1]))
    for _ in range(400):
        logits = observed @ weights
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        better = rewards - (chances * rewards).sum(axis=1, keepdims=True)
        gradient = observed.T @ (chances * better)
        weights += gradient / max(np.linalg.norm(gradient), 1e-9)
    chosen = (vectors("dev", dev_ids) @ weights).argmax(axis=1)
    assert dev[np.arange(len(chosen)), 0, chosen].mean() >= 0.8


def vectors(split: str, ids: list[str]) -> NDArray[np.float32]:
    env = EmbedObservation(
        gym.make("IGSearchQA-SingleHop-v0", split=split, sampler="none"),
        encoder_kwargs={"dimensions": 256},
        parts=("question", "progress"),
    )
    return np.stack([env.reset(options={"question_id": id})[0] for id in ids])


def test_an_index_means_the_same_for_every_question_and_at_every_step() -> None:
    env = small(names=1, follow=("title",), spans=1)
    meanings = env.meanings
    seen = []
    for id in ("q00", "q03"):
        seen.append(json.loads(env.reset(options={"question_id": id})[1]["choices"]))
        seen.append(json.loads(env.step(0)[4]["choices"]))
    for lines in seen:
        assert [line.partition(":")[0] for line in lines] == list(meanings)
    assert env.action_space.n == 1 + 1 + 1 + len(SLOTS) + 1


def test_searching_and_answering_with_what_was_read_is_rewarded() -> None:
    env = small()
    env.reset(options={"question_id": "q00"})
    assert [c.text for c in env.choices()[:3]] == ["Who directed Alpha?", "Alpha", ""]
    env.step(index(env, "search name 1"))
    gold = env.unwrapped.episode.question.answers[0]  # type: ignore[attr-defined]
    choice = env.choices()[index(env, "answer director")]
    assert (choice.text, choice.output) == (gold, f"<answer> {gold} </answer>")
    _, reward, terminated, _, info = env.step(index(env, "answer director"))
    assert (reward, terminated, info["invalid"]) == (1.0, True, False)


def test_an_answer_before_any_search_is_an_invalid_action() -> None:
    env = small()
    env.reset(options={"question_id": "q00"})
    assert all(not c.text for c in env.choices() if c.kind == "answer")
    assert env.step(index(env, "answer title"))[4]["invalid"]


def test_what_was_read_is_searched_for_with_what_the_question_asks() -> None:
    env = small(follow=("director",))
    env.reset(options={"question_id": "q00"})
    env.step(0)
    gold = env.unwrapped.episode.question.answers[0]  # type: ignore[attr-defined]
    assert env.choices()[index(env, "search director")].text == f"{gold} Who directed ?"


def test_names_by_position_and_cues_of_ones_own_are_answers_too() -> None:
    env = small(spans=2, cues={"place": r"\bin\b"})
    env.reset(options={"question_id": "q00"})
    env.step(index(env, "search name 1"))
    gold = env.unwrapped.episode.question.answers[0]  # type: ignore[attr-defined]
    texts = {c.source: c.text for c in env.choices() if c.kind == "answer"}
    assert (texts["span 1"], texts["span 2"], texts["place"]) == (gold, "Peru", "Peru")


def test_the_gold_answer_changes_no_choice() -> None:
    env = small(spans=3)
    question = env.unwrapped.task.questions[0]  # type: ignore[attr-defined]
    shown = []
    for answers in (question.answers, ("Peru",)):
        changed = type(question)(id="x", text=question.text, answers=answers)
        env.reset(options={"question": changed})
        shown.append(env.step(0)[4]["choices"])
    assert shown[0] == shown[1]


def test_equal_seeds_and_actions_give_equal_choices() -> None:
    runs = []
    for _ in range(2):
        env = FlatInfo(small(spans=2))
        runs.append([env.reset(seed=3)[1], *(env.step(a)[4] for a in (0, 1, 4))])
    assert runs[0] == runs[1]


def test_a_spec_records_the_choices() -> None:
    env = small(names=1, spans=1, cues={"place": "in"}, follow=("place",))
    again: Any = gym.make(env.spec)  # type: ignore[arg-type]
    assert again.meanings == env.meanings


def test_wrong_arguments_are_named() -> None:
    for options, message in [
        ({"names": -1}, "names must be an integer of at least 0, got -1"),
        ({"spans": 1.5}, "spans must be an integer of at least 0, got 1.5"),
        ({"follow": ("directer",)}, "did you mean 'director'"),
        ({"cues": {"place": "("}}, "cue of 'place' is no regular expression"),
    ]:
        with pytest.raises(ConfigurationError, match=message):
            small(**options)  # type: ignore[arg-type]
    env = small()
    env.reset(seed=0)
    with pytest.raises(ConfigurationError, match="there are actions 0 to 20, got 21"):
        env.step(21)


@pytest.mark.parametrize(
    ("slot", "title", "text", "query", "found"),
    [
        ("title", "Heat (1995 film)", "Heat is a film.", "film by Mann", "Heat"),
        ("title", "Mann", "Mann made Ali (2001), Heat (1995) and Kin (1996).", "Mann 1995", "Heat"),
        ("subject", "Geography of the Azores", "Pico.", "Pico", "Azores"),
        ("date", "Ada", "In 1830 Ada, born on 3 May 1815, wrote.", "Ada", "3 May 1815"),
        ("year", "Ada", "Ada, born on 3 May 1815, wrote in 1830.", "Ada", "1830"),
        ("director", "Heat", "Directed by A. B. Lee Jr., Heat is a film.", "Heat", "A. B. Lee Jr."),
        ("writer", "Heat", "Eve shot it. The writer is Al de Wit.", "Heat", "Al de Wit"),
        ("maker", "Heat", "It was produced in Peru. It was produced by 20th Century.", "Heat",
         "20th Century"),
        ("birthplace", "Ada", "Born on 3 May 1815 in Rye, England, Ada wrote.", "Ada", "Rye"),
        ("symbol", "Symbols of Palau", "As its national symbol Palau uses bai.", "Palau", "bai"),
        ("currency", "Peru", "Prices in Peru are given in soles, its currency.", "Peru", "soles"),
        ("capital", "Peru", "The capital of Peru is Peru.", "Peru", ""),
    ],
)  # fmt: skip
def test_what_a_slot_reads(slot: str, title: str, text: str, query: str, found: str) -> None:
    document = Document(id="d", title=title, text=text)
    assert SLOTS[slot](reading("?", query, [document])) == found


def test_documents_about_what_is_asked_are_read_first() -> None:
    documents = [
        Document(id="a", title="Arthur Christmas", text="Directed by Sarah Smith in 2011."),
        Document(id="b", title="Arthur (1981 film)", text="Directed by Steve Gordon in 1981."),
        Document(id="c", title="Arthur (2011 film)", text="Directed by Jason Winer in 2011."),
    ]
    read = reading("Who directed it?", "the 2011 film Arthur", documents)
    assert [document.id for document in read.documents] == ["c", "b", "a"]
