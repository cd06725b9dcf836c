"""What can go wrong with a retriever, one row each: every failure has an error of its own that
names the address or the file, says what was got, and what to do. None becomes a document."""

from __future__ import annotations

import json
import socket
import time
from pathlib import Path
from typing import Any

import pytest
from retrieval_fixtures import (
    Answer,
    breaks_off,
    hangs,
    one_document,
    sends,
    sends_json,
    server,
    small_corpus,
    trickles,
)

from igs_env.datasets import open_corpus
from igs_env.errors import ConfigurationError, DataError, IndexMismatchError, RetrievalError
from igs_env.retrievers import make_retriever
from igs_env.types import Document

QUICK = {"backoff": 0.001, "timeout": 0.3}
WHOLE = json.dumps(one_document()).encode()
ITEM = one_document()["result"][0][0]

SERVERS: dict[str, tuple[Answer, int, str]] = {
    # what the server does: (its answer, requests it gets, what the error says)
    "503": (sends(b"", 503), 3, 'answered 503 three times; is "igs serve" running?'),
    "500": (sends(b"boom", 500), 3, "answered 500 'boom' three times; see the server's log"),
    "429": (sends(b"", 429), 3, "answered 429 three times; lower connections="),
    "404": (sends(b"no such page", 404), 1, "answered 404 'no such page'; check the path"),
    "422": (sends(b"bad field", 422), 1, "answered 422 'bad field'; does the server speak"),
    "401": (sends(b"who?", 401), 1, "answered 401 'who?'; set IGS_TOKEN to the server's token"),
    "moved": (
        sends(b"", 308, Location="/other"),
        1,
        "answered 308; give the address it names: /other",
    ),
    "hang": (hangs(1.0), 3, "did not answer within 0.3 s three times; raise timeout="),
    "trickle": (trickles(1.5), 3, "did not answer within 0.3 s three times; raise timeout="),
    "hangs up": (breaks_off(b"", 10), 3, "broke off its answer"),
    "half an answer": (breaks_off(WHOLE[:40], len(WHOLE)), 3, "broke off its answer"),
    "half a JSON": (sends(WHOLE[:40]), 3, "is no JSON"),
    "rubbish": (
        sends(b"<html>It works!</html>"),
        3,
        "answered '<html>It works!</html>', which is no JSON",
    ),
    "empty": (sends(b""), 3, "answered '', which is no JSON"),
    "not text": (sends(b"\xff\xfe\x00"), 3, "which is no JSON"),
    "a JSON list": (sends_json([1, 2]), 1, 'no list under "result": [1, 2]'),
    "an error in 200": (
        sends_json({"error": "oom"}),
        1,
        "{'error': 'oom'}; check url= and dialect=",
    ),
    "null": (sends_json({"result": None}), 1, 'no list under "result"'),
    "too few results": (sends_json({"result": []}), 1, "0 results for 1 queries"),
    "too many results": (sends_json({"result": [[], []]}), 1, "2 results for 1 queries"),
    "text as result": (
        sends_json({"result": ["Doc 1: Alien"]}),
        1,
        "a result is not a list of documents: 'Doc 1: Alien'",
    ),
    "text as document": (
        sends_json({"result": [["Alien"]]}),
        1,
        "a document is not an object: 'Alien'",
    ),
    "no contents": (
        sends_json({"result": [[{"document": {"id": "1"}}]]}),
        1,
        "no field 'contents'",
    ),
    "contents null": (
        sends_json({"result": [[{"document": {"id": "1", "contents": None}}]]}),
        1,
        "field 'contents' is NoneType",
    ),
    "score as text": (
        sends_json({"result": [[{**ITEM, "score": "high"}]]}),
        1,
        "a score is not a finite number",
    ),
    "score NaN": (
        sends_json({"result": [[{**ITEM, "score": float("nan")}]]}),
        1,
        "a score is not a finite number",
    ),
}


@pytest.mark.parametrize("what", SERVERS)
def test_a_server_that_fails_raises_its_own_retrieval_error(what: str) -> None:
    answer, requests, message = SERVERS[what]
    with server(answer) as (url, recorder):
        with pytest.raises(RetrievalError) as caught:
            make_retriever(url, None, **QUICK).search(["Alien"], top_k=3)
        assert str(caught.value).startswith(url)
        assert message in str(caught.value)
        assert len(recorder.bodies) == requests


def test_a_server_that_is_down_is_named_with_the_command_that_starts_one() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    url = f"http://127.0.0.1:{port}/retrieve"
    with pytest.raises(RetrievalError, match="could not be reached") as caught:
        make_retriever(url, None, **QUICK).search(["Alien"], top_k=3)
    assert str(caught.value).startswith(url)
    assert str(caught.value).endswith('three times; is "igs serve" running?')


TRANSIENT: dict[str, Answer] = {
    name: SERVERS[name][0]
    for name in ("503", "500", "429", "hang", "hangs up", "half an answer", "half a JSON")
}


@pytest.mark.parametrize("what", TRANSIENT)
def test_what_passes_is_tried_again_and_then_answers(what: str) -> None:
    failure = TRANSIENT[what]
    with server(failure, failure, sends_json(one_document())) as (url, recorder):
        found = make_retriever(url, None, **QUICK).search(["Alien"], top_k=3)
        assert found == [(Document(id="1", title="Alien", text="A film.", score=1.5),)]
        assert len(recorder.bodies) == 3


def test_different_failures_are_told_one_after_the_other() -> None:
    told = r"answered 500 at attempt 3 \(before: answered 503, answered 500\)"
    with (
        server(sends(b"", 503), sends(b"", 500)) as (url, _),
        pytest.raises(RetrievalError, match=told),
    ):
        make_retriever(url, None, **QUICK).search(["Alien"], top_k=3)


def test_a_server_that_asks_for_patience_gets_it() -> None:
    busy = sends(b"", 503, Retry_After="1")
    with server(busy, sends_json(one_document())) as (url, _):
        start = time.monotonic()
        make_retriever(url, None, **QUICK).search(["Alien"], top_k=3)
        assert time.monotonic() - start >= 1.0


def build(tmp_path: Path, **changes: Any) -> Path:
    from igs_env.retrievers.dense_index import build_dense_index
    from igs_env.retrievers.encoder import make_encoder

    folder = tmp_path / "index"
    encoder = make_encoder("hashing", dimensions=changes.get("dimensions", 64))
    build_dense_index(changes.get("corpus", small_corpus()), encoder, folder, passage_prefix="")
    return folder


def other_corpus() -> Any:
    return open_corpus([Document(id=str(n), title="Other", text=f"text {n}") for n in range(10)])


def dense(**kwargs: Any) -> None:
    make_retriever(
        "dense", small_corpus(), encoder="hashing", encoder_kwargs={"dimensions": 64}, **kwargs
    )


def test_an_index_of_another_corpus_is_refused(tmp_path: Path) -> None:
    folder = build(tmp_path, corpus=other_corpus())
    with pytest.raises(
        IndexMismatchError, match=r"belongs to another corpus: it holds 10 .* igs index"
    ):
        dense(index=folder)


def test_an_index_of_another_encoder_is_refused(tmp_path: Path) -> None:
    folder = build(tmp_path, dimensions=32)
    with pytest.raises(IndexMismatchError, match="belongs to another setting: encoder is"):
        dense(index=folder)


def test_an_index_of_another_retriever_is_refused(tmp_path: Path) -> None:
    folder = build(tmp_path)
    with pytest.raises(IndexMismatchError, match="it is dense, bm25 is asked for"):
        make_retriever("bm25", small_corpus(), index=folder)


def test_a_missing_index_names_the_command_that_builds_one(tmp_path: Path) -> None:
    for name in ("bm25", "dense"):
        kwargs = {"encoder": "hashing"} if name == "dense" else {}
        with pytest.raises(DataError, match=r"holds no index.json.*igs index --corpus"):
            make_retriever(name, small_corpus(), index=tmp_path / "nowhere", **kwargs)


def test_a_damaged_index_is_an_error_and_no_crash(tmp_path: Path) -> None:
    folder = build(tmp_path)
    vectors = folder / "vectors.faiss"
    vectors.write_bytes(vectors.read_bytes()[:100])
    with pytest.raises(DataError, match=r"is damaged: vectors\.faiss has 100 bytes"):
        dense(index=folder)
    (folder / "index.json").write_text("{half")
    with pytest.raises(DataError, match="is damaged"):
        dense(index=folder)


def test_a_bare_index_file_is_used_only_when_asked_for_and_with_a_warning(tmp_path: Path) -> None:
    bare = build(tmp_path) / "vectors.faiss"
    with pytest.raises(IndexMismatchError, match="check='size'"):
        dense(index=bare)
    with pytest.warns(UserWarning, match="carries no fingerprint"):
        dense(index=bare, check="size")
    ten_of_other_sizes = build(tmp_path / "other", dimensions=32) / "vectors.faiss"
    with (
        pytest.warns(UserWarning, match="no fingerprint"),
        pytest.raises(IndexMismatchError, match="10 vectors of 32 dimensions"),
    ):
        dense(index=ten_of_other_sizes, check="size")


ARGUMENTS: dict[str, tuple[str, dict[str, Any], str]] = {
    "unknown retriever": ("bm52", {}, "did you mean 'bm25'"),
    "unknown argument": ("bm25", {"k2": 1}, "unexpected keyword argument 'k2'"),
    "unknown encoder": ("dense", {"encoder": "minilmm"}, "did you mean 'minilm'"),
    "unknown factory": (
        "dense",
        {"encoder": "hashing", "factory": "Flatt"},
        "factory 'Flatt' cannot",
    ),
    "unknown check": ("dense", {"encoder": "hashing", "check": "sizes"}, "did you mean 'size'"),
    "wrong parameters": (
        "dense",
        {"encoder": "hashing", "search_parameters": "nprobe=3"},
        "do not suit",
    ),
    "unknown dialect": ("http", {"url": "http://h/r", "dialect": "jem"}, "did you mean 'gem'"),
    "no host": ("http", {"url": "http://"}, "has no host"),
    "no attempts": ("http", {"url": "http://h/r", "attempts": 0}, "at least 1"),
    "no function": ("os.path:nothing", {}, "has no 'nothing'"),
    "no retriever": ("os.path:sep", {}, "needs search"),
    "kwargs of nobody": (
        "hybrid",
        {"retrievers": ["bm25"], "retriever_kwargs": {"dense": {}}},
        "not among",
    ),
}


@pytest.mark.parametrize("what", ARGUMENTS)
def test_an_argument_that_cannot_be_used_is_named(
    what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IGS_CACHE", str(tmp_path))
    spec, kwargs, message = ARGUMENTS[what]
    with pytest.raises(ConfigurationError, match=message):
        make_retriever(spec, small_corpus(), **kwargs)


def test_a_corpus_without_words_is_refused() -> None:
    with pytest.raises(DataError, match="hold no words"):
        make_retriever("bm25", open_corpus([Document(id="1", title="", text="…")]))
