"""Each kind of bad input has an error of its own that says where, what was got, what to do."""

import json

import pytest

from igs_env.datasets import load_questions
from igs_env.datasets.registry import parse_arguments
from igs_env.errors import ConfigurationError, DataError
from igs_env.types import Question

GOOD = {"id": "1", "question": "Who?", "golden_answers": ["Ann"]}


def row(**changes):
    return {**GOOD, "id": "2", **changes}


BAD_ROWS = {
    "no question": ({"id": "2", "query": "Who?"}, r"no field 'question'; got id, query; .* rename"),
    "no answers": ({"id": "2", "question": "Who?", "answer": "x"}, r"no field 'golden_answers'"),
    "no id": ({"question": "Who?", "golden_answers": ["x"]}, r"no field 'id'; got question"),
    "question is null": (row(question=None), r"'question' is None; needs a non-empty string"),
    "question is blank": (row(question=" "), r"'question' is ' '; needs a non-empty string"),
    "a string of answers": (row(golden_answers="Ann"), r"is the string 'Ann'; .*write \['Ann'\]"),
    "a list in a string": (row(golden_answers='["A"]'), r"or the list that the string holds"),
    "no answer at all": (row(golden_answers=[]), r"'golden_answers' is \[\]; needs a non-empty l"),
    "an answer is a number": (row(golden_answers=["A", 7]), r"'golden_answers\[1\]' is 7; needs"),
    "an answer is blank": (row(golden_answers=[""]), r"'golden_answers\[0\]' is ''; needs"),
    "metadata is a list": (row(metadata=[1]), r"'metadata' is \[1\]; needs an object"),
    "gold is a string": (
        row(metadata={"supporting_documents": "d1"}),
        r"'metadata.supporting_documents' is 'd1'; needs a list",
    ),
    "gold holds null": (
        row(metadata={"supporting_documents": ["d1", None]}),
        r"'metadata.supporting_documents\[1\]' is None; needs a document id",
    ),
    "gold holds an empty list": (
        row(metadata={"supporting_documents": [[]]}),
        r"'metadata.supporting_documents\[0\]' is \[\]; needs a document id",
    ),
    "a repeated id": (GOOD, r"repeats id '1' of line 1; give every question an id"),
    "a number for a row": (7, r"holds a number, needs an object"),
}


@pytest.mark.parametrize("case", BAD_ROWS)
def test_a_malformed_row_is_named(tmp_path, case):
    bad, message = BAD_ROWS[case]
    path = tmp_path / "dev.jsonl"
    path.write_text(f"{json.dumps(GOOD)}\n{json.dumps(bad)}\n", encoding="utf-8")
    with pytest.raises(DataError, match=message) as caught:
        load_questions(path)
    assert str(caught.value).startswith(f"{path}, line 2: ")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        (b'{"id": "2", "question": "Wh', r"line 2: not a whole JSON object .*cut short"),
        (b'{"id": "2", "question": "caf\xe9"}', r"line 2: byte 28 \(0xe9\) is not UTF-8"),
    ],
)
def test_a_line_that_cannot_be_decoded_is_named(tmp_path, line, message):
    path = tmp_path / "dev.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b"\n" + line)
    with pytest.raises(DataError, match=message):
        load_questions(path)


def test_an_empty_file_is_refused(tmp_path):
    path = tmp_path / "dev.jsonl"
    path.write_text("\n")
    with pytest.raises(DataError, match=r"dev\.jsonl: there are none"):
        load_questions(path)


def test_a_missing_file_and_a_folder_are_refused(tmp_path):
    with pytest.raises(DataError, match=r"questions file .* does not exist"):
        load_questions(tmp_path / "dev.jsonl")
    (tmp_path / "train.jsonl").write_text(json.dumps(GOOD))
    with pytest.raises(DataError, match=r"is a folder, not a file; .*train\.jsonl"):
        load_questions(str(tmp_path))


def test_a_split_that_no_row_has_lists_those_that_there_are(tmp_path):
    path = tmp_path / "all.jsonl"
    path.write_text(json.dumps({**GOOD, "split": "validation"}))
    with pytest.raises(DataError, match="none is of split 'dev'; there are validation"):
        load_questions(path, split="dev")


def test_live_questions_are_checked():
    one = Question(id="1", text="Who?", answers=("Ann",))
    with pytest.raises(DataError, match=r"questions of list: there are none"):
        load_questions([])
    with pytest.raises(DataError, match=r"questions\[1\] repeats id '1' of questions\[0\]"):
        load_questions([one, one])
    with pytest.raises(DataError, match=r"questions\[0\] is dict; needs igs_env\.types\.Question"):
        load_questions([GOOD])
    with pytest.raises(DataError, match=r"questions\[0\] \('2'\) has no answers"):
        load_questions([Question(id="2", text="Who?", answers=())])
    with pytest.raises(DataError, match="questions are int; give a sequence of Question"):
        load_questions(3)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("hotpot", r"no questions 'hotpot' \(did you mean 'hotpotqa'\?\); .*or give a file"),
        ("fictoin:seed=1", r"no questions 'fictoin' \(did you mean 'fiction'\?\)"),
        ("fiction:sed=1", r"no argument of questions 'fiction' 'sed' \(did you mean 'seed'\?\)"),
        ("fiction:seed", r"'seed' is no argument; write name:key=value,key=value"),
        ("fiction:seed=", r"'seed=' is no argument"),
        ("fiction:seed=1,seed=2", r"'seed' is given twice"),
        ("fiction:seed=one", r"fiction: seed is 'one'; give a whole number from 0"),
        ("fiction:hops=0", r"fiction: hops is 0; give a number from 1 to 4"),
        ("fiction:hops=3-2", r"fiction: hops is '3-2'; give a number"),
        ("fiction:hops=-1", r"fiction: hops is -1; give a number"),
        ("fiction:questions=1", r"fiction: questions is 1; give at least 10"),
        ("fiction:documents=19", r"documents is 19; give a whole number from 20 to 1000000"),
        ("fiction:distractors=0.5", r"distractors is 0\.5; give a number from 0\.0 to 0\.4"),
        ("no_such_module:questions", r"there is no module 'no_such_module'"),
        ("json:questions", r"module 'json' has no 'questions'"),
    ],
)
def test_a_source_that_names_nothing_says_what_to_write(source, message):
    with pytest.raises(ConfigurationError, match=message):
        load_questions(source)


def test_a_limit_below_one_is_refused():
    with pytest.raises(ConfigurationError, match="limit is 0; give at least 1"):
        load_questions("fiction", limit=0)


def test_an_unknown_split_of_fiction_is_refused():
    with pytest.raises(ConfigurationError, match=r"no split of fiction 'tran' \(did you mean 'tra"):
        load_questions("fiction", split="tran")


def test_numbers_are_read_as_numbers_and_the_rest_as_text():
    assert parse_arguments("corpus", "x", "a=3, b=0.5,c=1-3,d=/data/x=y.jsonl") == {
        "a": 3,
        "b": 0.5,
        "c": "1-3",
        "d": "/data/x=y.jsonl",
    }
