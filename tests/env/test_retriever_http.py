"""The client: four dialects, connections, batches, processes."""

from __future__ import annotations

import json
import multiprocessing
import pickle
import socket
import threading
from collections.abc import Callable
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest
from retrieval_fixtures import one_document, sends, sends_json, server, small_corpus

from igs_env.errors import ConfigurationError, RetrievalError
from igs_env.retrievers import make_retriever
from igs_env.retrievers.http import HttpRetriever
from igs_env.retrievers.server import create_app, listening, serving
from igs_env.types import Document

SCORED = {"document": {"id": "7", "contents": '"Alien"\nA film.\nBy Scott.'}, "score": 0.25}
BARE = {"id": "7", "contents": '"Alien"\nA film.\nBy Scott.'}
ALIEN = Document(id="7", title="Alien", text="A film.\nBy Scott.", score=0.25)
UNSCORED = Document(id="7", title="Alien", text="A film.\nBy Scott.", score=0.0)

DIALECTS: dict[str, tuple[str, Any, Document, dict[str, Any]]] = {
    # who answers so: (dialect, answer, document that is read, request that is sent)
    "Search-R1, agent-lightning": (
        "search-r1",
        {"result": [[SCORED]]},
        ALIEN,
        {"queries": ["who"], "topk": 2, "return_scores": True},
    ),
    "Search-R1 with return_scores=false": (
        "search-r1",
        {"result": [[BARE]]},
        UNSCORED,
        {"queries": ["who"], "topk": 2, "return_scores": True},
    ),
    "SkyRL, verl-agent": (
        "skyrl",
        {"result": [[SCORED]]},
        ALIEN,
        {"query": "who", "topk": 2, "return_scores": True},
    ),
    "gem": (
        "gem",
        {"result": [SCORED]},
        ALIEN,
        {"query": "who", "topk": 2, "return_scores": True},
    ),
}


def codec(dialect: str) -> tuple[Callable[[Any], bytes], Callable[[bytes], Any]]:
    if dialect != "gem":
        return (lambda value: json.dumps(value).encode()), json.loads
    msgpack = pytest.importorskip("msgpack")
    return msgpack.packb, msgpack.unpackb


@pytest.mark.parametrize("who", DIALECTS)
def test_each_dialect_is_asked_and_read(who: str) -> None:
    dialect, answer, document, request = DIALECTS[who]
    dumps, loads = codec(dialect)
    with server(sends(dumps(answer))) as (url, recorder):
        assert make_retriever(url, None, dialect=dialect).search(["who"], 2) == [(document,)]
    assert [loads(body) for body in recorder.bodies] == [request]


@pytest.mark.parametrize("who", DIALECTS)
def test_each_dialect_can_say_that_nothing_was_found(who: str) -> None:
    dialect = DIALECTS[who][0]
    dumps, _ = codec(dialect)
    with server(sends(dumps({"result": [[]]}))) as (url, _):
        assert make_retriever(url, None, dialect=dialect).search(["who"], 2) == [()]


def test_half_a_msgpack_is_tried_again_and_then_an_error() -> None:
    dumps, _ = codec("gem")
    with server(sends(dumps({"result": [SCORED]})[:-9])) as (url, recorder):
        with pytest.raises(RetrievalError, match="no msgpack"):
            make_retriever(url, None, dialect="gem", backoff=0.0).search(["who"], 2)
        assert len(recorder.bodies) == 3


def test_numbers_as_ids_and_documents_without_any() -> None:
    bare = {"document": {"contents": "Only text."}, "score": 1}
    items = [{"document": {**BARE, "id": 7}, "score": 2}, bare]
    with server(sends_json({"result": [items]})) as (url, _):
        ((first, second),) = make_retriever(url, None).search(["who"], 2)
        ((_, again),) = make_retriever(url, None).search(["who"], 2)
    assert (first.id, first.score) == ("7", 2.0)
    assert (second.title, second.text) == ("", "Only text.")
    assert second.id.startswith("text:")
    assert second == again


def test_more_documents_than_asked_for_are_cut() -> None:
    items = [{"document": {**BARE, "id": str(n)}, "score": 1.0} for n in range(5)]
    with server(sends_json({"result": [items]})) as (url, _):
        (found,) = make_retriever(url, None).search(["who"], 2)
    assert [document.id for document in found] == ["0", "1"]


def echo(handler: BaseHTTPRequestHandler, body: bytes) -> None:
    """Answers each query with a document of that id."""
    request = json.loads(body)
    queries = request.get("queries") or [request["query"]]
    items = [[{"document": {"id": q, "contents": f'"{q}"\n{q}'}, "score": 1.0}] for q in queries]
    sends_json({"result": items})(handler, body)


def test_one_connection_serves_one_request_after_another() -> None:
    with server(echo) as (url, recorder):
        retriever = make_retriever(url, None)
        for number in range(20):
            assert retriever.search([f"q{number}"], 1)[0][0].id == f"q{number}"
    assert len(recorder.bodies) == 20
    assert recorder.connections == 1


@pytest.mark.parametrize(("dialect", "requests"), [("search-r1", 4), ("skyrl", 10)])
def test_a_batch_is_split_and_put_together_in_order(dialect: str, requests: int) -> None:
    queries = [f"q{number}" for number in range(10)]
    with server(echo) as (url, recorder):
        retriever = make_retriever(url, None, dialect=dialect, batch_size=3, connections=2)
        assert [found[0].id for found in retriever.search(queries, 1)] == queries
        assert retriever.search([], 1) == []
    assert len(recorder.bodies) == requests
    assert recorder.connections <= 2


def test_requests_of_a_batch_are_under_way_at_once() -> None:
    all_there = threading.Barrier(8, timeout=20)

    def echo_together(handler: BaseHTTPRequestHandler, body: bytes) -> None:
        all_there.wait()
        echo(handler, body)

    with server(echo_together) as (url, _):
        retriever = make_retriever(url, None, dialect="skyrl", connections=8, attempts=1)
        assert len(retriever.search([f"q{number}" for number in range(8)], 1)) == 8


def test_the_proxies_of_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with server(sends_json(one_document())) as (url, _):
        assert make_retriever(url, None, attempts=1).search(["who"], 1)[0][0].id == "1"


def _ask(retriever: HttpRetriever, query: str, answers: Any) -> None:
    for number in range(20):
        answers.put(retriever.search([f"{query}{number}"], 1)[0][0].id)


def test_a_forked_process_does_not_share_its_parents_connection() -> None:
    context = multiprocessing.get_context("fork")
    answers = context.Queue()
    with server(echo) as (url, recorder):
        retriever = make_retriever(url, None)
        retriever.search(["before"], 1)
        child = context.Process(target=_ask, args=(retriever, "child", answers))
        child.start()
        own = [retriever.search([f"parent{number}"], 1)[0][0].id for number in range(20)]
        theirs = [answers.get(timeout=20) for _ in range(20)]
        child.join()
    assert own == [f"parent{number}" for number in range(20)]
    assert theirs == [f"child{number}" for number in range(20)]
    assert recorder.connections == 2


def test_a_client_goes_into_another_process_and_opens_its_own_connections() -> None:
    with server(echo) as (url, _):
        retriever = make_retriever(url, None)
        retriever.search(["here"], 1)
        assert pickle.loads(pickle.dumps(retriever)).search(["there"], 1)[0][0].id == "there"


def test_what_a_server_finds_is_what_its_retriever_finds() -> None:
    corpus = small_corpus()
    bm25 = make_retriever("bm25", corpus)
    queries = ["film by Ridley Scott", "capital", "nothing matches zzz"]
    with serving(create_app(bm25, documents=len(corpus))) as url:
        assert make_retriever(url, None).search(queries, 3) == bm25.search(queries, 3)


@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_an_answer_s_second_segment_does_not_wait_for_an_acknowledgement(host: str) -> None:
    with ExitStack() as stack:
        try:
            listener = stack.enter_context(listening(host, 0))
        except ConfigurationError:
            pytest.skip(f"no {host} on this machine")
        stack.enter_context(socket.create_connection(listener.getsockname()[:2]))
        connection, _ = listener.accept()
        stack.enter_context(connection)
        assert connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
