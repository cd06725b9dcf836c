import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from igs_env.datasets import load_questions
from igs_env.datasets.question_row import question_from_row, question_to_row
from igs_env.types import Question

HOTPOT = {
    "id": "5a8",
    "question": "If Ann is a Bo, what is Cy?",
    "golden_answers": ["a spirit", "spirit"],
    "metadata": {"type": "bridge", "level": "easy", "supporting_documents": ["d9", "d5"]},
}


def write(path, rows):
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def test_a_flashrag_row_becomes_a_question_with_one_gold_document_per_hop(tmp_path):
    (question,) = load_questions(write(tmp_path / "dev.jsonl", [HOTPOT]))
    assert question == Question(
        id="5a8",
        text="If Ann is a Bo, what is Cy?",
        answers=("a spirit", "spirit"),
        gold_documents=(("d9",), ("d5",)),
        hops=2,
        kind="bridge",
        split="",
        metadata=HOTPOT["metadata"],
    )


def test_a_row_without_metadata_says_nothing_about_hops(tmp_path):
    row = {"id": "test_0", "question": "Who?", "golden_answers": ["Ann"]}
    (question,) = load_questions(write(tmp_path / "test.jsonl", [row]))
    assert (question.gold_documents, question.hops, question.kind) == ((), 0, "")


def test_search_r1s_merged_parquet_keeps_equal_ids_of_two_sources_apart(tmp_path):
    def row(source, answer):
        return {
            "id": "test_0",
            "question": "Who?",
            "golden_answers": [answer],
            "data_source": source,
            "prompt": [{"role": "user", "content": "Answer the given question. Who?"}],
            "ability": "fact-reasoning",
            "reward_model": {"style": "rule", "ground_truth": {"target": [answer]}},
            "extra_info": {"index": 0, "split": "test"},
            "metadata": None,
        }

    path = tmp_path / "test.parquet"
    pq.write_table(pa.Table.from_pylist([row("nq", "Ann"), row("popqa", "Bo")]), path)
    questions = load_questions(path)
    assert [(q.id, q.answers) for q in questions] == [
        ("nq/test_0", ("Ann",)),
        ("popqa/test_0", ("Bo",)),
    ]


def test_ids_that_serve_for_the_same_hop_are_kept_together(tmp_path):
    row = {**HOTPOT, "metadata": {"supporting_documents": [["d9", "d8"], 5]}}
    (question,) = load_questions(write(tmp_path / "dev.jsonl", [row]))
    assert question.gold_documents == (("d9", "d8"), ("5",))


@pytest.mark.parametrize(
    "source", ["fiction:documents=200,questions=300", "fiction:documents=60,facts=2,questions=300"]
)
def test_every_question_survives_being_written_and_read(tmp_path, source):
    questions = load_questions(source)
    path = write(tmp_path / "train.jsonl", map(question_to_row, questions))
    read = load_questions(path)
    assert [(q.id, q.text, q.answers, q.gold_documents, q.hops, q.kind, q.split) for q in read] == [
        (q.id, q.text, q.answers, q.gold_documents, q.hops, q.kind, q.split) for q in questions
    ]
    assert all(
        read.metadata[key] == made.metadata[key]
        for read, made in zip(read, questions, strict=True)
        for key in made.metadata
    )


def test_a_rows_own_split_is_respected(tmp_path):
    rows = [
        {"id": str(i), "question": "Who?", "golden_answers": ["Ann"], "split": split}
        for i, split in enumerate(["train", "dev", "train"])
    ]
    path = write(tmp_path / "all.jsonl", rows)
    assert [q.id for q in load_questions(path)] == ["0", "1", "2"]
    assert [q.id for q in load_questions(path, split="train")] == ["0", "2"]
    assert [q.id for q in load_questions(path, split="train", limit=1)] == ["0"]


def test_rows_without_a_split_belong_to_every_split(tmp_path):
    path = write(tmp_path / "test.jsonl", [HOTPOT])
    assert [len(load_questions(path, split=split)) for split in ("train", "dev", "test")] == [1] * 3


def test_limit_takes_from_the_front():
    whole = load_questions("fiction:documents=200,questions=300")
    assert load_questions("fiction:documents=200,questions=300", limit=5) == whole[:5]


def test_live_questions_and_module_attributes_are_taken():
    one = question_from_row(HOTPOT)
    assert load_questions([one])[0] is one
    made = load_questions("igs_env.datasets.fiction:questions", split="dev", limit=3)
    assert made == load_questions("fiction:questions=10000", split="dev", limit=3)


def test_a_function_of_ones_own_gets_the_split_and_train_by_default(tmp_path, monkeypatch):
    (tmp_path / "my_questions.py").write_text(
        "from igs_env.types import Question\n"
        "def questions(split):\n"
        "    return [Question(id=split, text='Who?', answers=('Ann',))]\n"
        "all_of_them = questions('whole')\n"
    )
    monkeypatch.syspath_prepend(tmp_path)
    assert load_questions("my_questions:questions")[0].id == "train"
    assert load_questions("my_questions:questions", split="dev")[0].id == "dev"
    assert load_questions("my_questions:all_of_them", split="dev")[0].id == "whole"
