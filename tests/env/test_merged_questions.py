"""Several question sets as one, and a task whose documents only its server has."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from igs_env.counterfactual import CorpusSampler
from igs_env.datasets import load_questions, open_corpus
from igs_env.errors import ConfigurationError, DataError
from igs_env.retrievers import make_retriever
from igs_env.task import make_task

URL = "http://127.0.0.1:9/retrieve"


def write(path: Path, *ids: str, split: str = "") -> Path:
    rows = [{"id": i, "question": f"Who is {i}?", "golden_answers": [i]} for i in ids]
    if split:
        rows = [{**row, "split": split} for row in rows]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def ids(source: str, **options: str) -> list[str]:
    return [question.id for question in load_questions(source, **options)]


def test_merged_sets_follow_each_other_under_ids_of_their_own(tmp_path: Path) -> None:
    first, second = write(tmp_path / "a.jsonl", "1", "2"), write(tmp_path / "b.jsonl", "1")
    assert ids(f"{first}+{second}") == ["a/1", "a/2", "b/1"]
    assert ids(f"{first} + {second}") == ["a/1", "a/2", "b/1"]


def test_each_merged_benchmark_gives_the_split_that_is_asked_for(tmp_path: Path) -> None:
    for name in ("nq", "hotpotqa"):
        write(tmp_path / name / "train.jsonl", f"{name}-1")
        write(tmp_path / name / "dev.jsonl", f"{name}-2")
    source = f"nq:path={tmp_path}+hotpotqa:path={tmp_path},size=1"
    assert ids(source, split="train") == ["nq/nq-1", "hotpotqa/hotpotqa-1"]
    assert ids(source, split="dev") == ["nq/nq-2", "hotpotqa/hotpotqa-2"]


def test_an_embedded_world_can_be_one_of_the_sets(tmp_path: Path) -> None:
    merged = ids(f"atlas+{write(tmp_path / 'mine.jsonl', '1')}", split="dev")
    assert len(merged) == len(ids("atlas", split="dev")) + 1
    assert (merged[0].partition("/")[0], merged[-1]) == ("atlas", "mine/1")


def test_a_file_with_a_plus_in_its_name_is_one_set(tmp_path: Path) -> None:
    assert ids(str(write(tmp_path / "a+b.jsonl", "1"))) == ["1"]


def test_two_sets_of_one_name_with_one_id_are_refused(tmp_path: Path) -> None:
    first, second = (write(tmp_path / folder / "a.jsonl", "1") for folder in ("x", "y"))
    with pytest.raises(DataError, match=r"questions\[1\] repeats id 'a/1'"):
        load_questions(f"{first}+{second}")


def test_a_part_that_there_is_not_is_named() -> None:
    with pytest.raises(
        ConfigurationError, match="no questions 'hotpot' \\(did you mean 'hotpotqa'"
    ):
        load_questions("atlas+hotpot", split="train")


def test_a_task_that_searches_a_server_needs_no_corpus(tmp_path: Path) -> None:
    questions = str(write(tmp_path / "a.jsonl", "1"))
    task = make_task(questions=questions, retriever=URL, sampler="none")
    assert (len(task.corpus), len(task.questions)) == (0, 1)


def test_questions_of_an_embedded_world_keep_its_corpus_beside_a_server() -> None:
    assert len(make_task(questions="atlas", retriever=URL, sampler="none").corpus) > 20_000


def test_without_a_server_a_corpus_has_to_be_given(tmp_path: Path) -> None:
    questions = str(write(tmp_path / "a.jsonl", "1"))
    with pytest.raises(ConfigurationError, match="corpus must be given"):
        make_task(questions=questions)


def test_whatever_needs_documents_says_that_there_are_none(tmp_path: Path) -> None:
    questions = str(write(tmp_path / "a.jsonl", "1"))
    absent = open_corpus("none")
    with pytest.raises(ConfigurationError, match="the corpus is 'none': pass corpus="):
        make_retriever("bm25", absent)
    with pytest.raises(ConfigurationError, match="the corpus is 'none'"):
        absent[0]
    with pytest.raises(ConfigurationError, match="sampler 'corpus' draws documents"):
        make_task(questions=questions, retriever=URL)
    rules = make_task(questions=questions, retriever=URL, sampler="none").rules
    with pytest.raises(ConfigurationError, match="sampler 'corpus' draws documents"):
        CorpusSampler(absent, rules)
