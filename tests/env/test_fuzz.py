"""Whatever comes from outside is read, or refused by the one error that its reader names."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from igs_env.actions import parse_action
from igs_env.datasets import load_questions, open_corpus
from igs_env.errors import ConfigurationError, DataError, IndexMismatchError, RecordingError
from igs_env.prompt import clean_documents
from igs_env.retrievers.dialects import DIALECTS, UndecodableError, UnexpectedAnswerError
from igs_env.retrievers.index_card import IndexCard
from igs_env.retrievers.recording import read_recording
from igs_env.retrievers.search_request import RefusedError, ServerLimits, read_request
from igs_env.types import Document

CASES = int(os.environ.get("IGS_FUZZ_CASES", "150"))
"""Per reader; `benchmarks/quality/fuzz.py` goes on for as long as it is told."""
fuzzed = settings(
    max_examples=CASES,
    deadline=None,
    derandomize="IGS_FUZZ_CASES" not in os.environ,
    database=None,
    suppress_health_check=list(HealthCheck),
)

TAGS = ["<search>", "</search>", "<answer>", "</answer>", "<think>", "</", "<", ">", "\ud800", "\0"]
OUTPUTS = st.lists(st.sampled_from(TAGS) | st.text(max_size=8), max_size=12).map("".join)
NAMES = st.sampled_from(
    [
        "result",
        "document",
        "id",
        "contents",
        "title",
        "text",
        "score",
        "queries",
        "topk",
        "return_scores",
        "query",
        "top_k",
        "documents",
        "failed",
        "again",
        "question",
        "answer",
        "golden_answers",
        "answers",
        "kind",
        "corpus",
        "settings",
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=6) | st.just("id"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(NAMES | st.text(max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)
JSON = VALUES.map(lambda value: json.dumps(value).encode())
NASTY = st.sampled_from(
    [
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b"9" * 5_000,
        b'{"result": [[{"document": {"id": "1", '
        b'"contents": "a"}, "score": 1' + b"0" * 400 + b"}]]}",
        b'"\\ud800"',
        b"\xff\xfe",
        b"",
    ]
)
BYTES = st.binary(max_size=60) | JSON | NASTY
LINES = st.lists(BYTES, max_size=4).map(b"\n".join)


@fuzzed
@given(OUTPUTS)
def test_any_output_is_an_action_that_ends_within_it(output: str) -> None:
    action = parse_action(output)
    assert 0 <= action.end <= len(output)
    assert parse_action(output[: action.end]) == action


@fuzzed
@given(st.lists(st.text(max_size=40), max_size=3), st.integers(1, 30))
def test_any_documents_are_neutralised_and_cut(texts: list[str], limit: int) -> None:
    documents = [Document(id=f"{n}", title=t[:9], text=t) for n, t in enumerate(texts)]
    for document in clean_documents(documents, limit=limit, length=len):
        assert len(document.text) <= limit
        assert "<search>" not in document.text


@fuzzed
@given(
    st.sampled_from(sorted(DIALECTS)), BYTES | VALUES.map(lambda v: packed(v)), st.integers(0, 3)
)
def test_any_answer_of_a_server_is_documents_or_refused(
    dialect: str, content: bytes, queries: int
) -> None:
    with suppress(UndecodableError, UnexpectedAnswerError):
        found = DIALECTS[dialect].answer(content, queries)
        assert len(found) == queries
        assert all(isinstance(document, Document) for each in found for document in each)


def packed(value: Any) -> bytes:
    """In msgpack, where it can say the value."""
    try:
        return bytes(msgpack.packb(value))
    except (OverflowError, ValueError):
        return b"\xc1"


@fuzzed
@given(BYTES)
def test_any_request_is_read_or_refused_with_a_status(body: bytes) -> None:
    limits = ServerLimits(queries=2, top_k=5)
    with suppress(RefusedError):
        request = read_request(body, default_top_k=3, limits=limits)
        assert 1 <= request.top_k <= 5
        assert len(request.queries) <= 2
        for query in request.queries:
            query.encode()


def checked(card: IndexCard) -> None:
    """A card that was read can be compared with one that is wanted."""
    wanted = IndexCard(kind=card.kind, corpus=card.corpus, documents=1, settings={"encoder": "e"})
    with suppress(IndexMismatchError):
        card.check(wanted, Path("index"))


READERS: dict[str, tuple[str, Callable[[Path], Any], type[Exception]]] = {
    "recording": ("searches.jsonl", read_recording, RecordingError),
    "corpus": ("corpus.jsonl", lambda path: list(open_corpus(path)), DataError),
    "corpus list": ("corpus.json", lambda path: list(open_corpus(path)), DataError),
    "questions": ("questions.jsonl", lambda path: load_questions(str(path)), DataError),
    "index card": ("index.json", lambda path: checked(IndexCard.read(path.parent)), DataError),
}


@pytest.mark.parametrize("name", READERS)
def test_any_file_is_read_or_refused_by_one_error(name: str, tmp_path: Path) -> None:
    file, read, error = READERS[name]

    @fuzzed
    @given(LINES)
    def reading(content: bytes) -> None:
        (tmp_path / file).write_bytes(content)
        with suppress(error, ConfigurationError):
            read(tmp_path / file)

    reading()
