"""`igs serve`: Search-R1's dialect to the letter, limits, and requests searched together."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from retrieval_fixtures import small_corpus

from igs_env.errors import ConfigurationError, RetrievalError
from igs_env.retrievers import make_retriever
from igs_env.retrievers.batcher import Batcher
from igs_env.retrievers.search_request import ServerLimits
from igs_env.retrievers.server import create_app, serving
from igs_env.types import Document


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    corpus = small_corpus()
    limits = ServerLimits(queries=4, query_characters=50, top_k=5, body_bytes=1000)
    app = create_app(make_retriever("bm25", corpus), documents=len(corpus), limits=limits)
    with serving(app) as address:
        yield address


def test_with_scores_an_item_is_document_and_score(url: str) -> None:
    body = {"queries": ["Alien", "capital of Peru"], "topk": 1, "return_scores": True}
    answer = httpx.post(url, json=body)
    ((alien,), (lima,)) = make_retriever("bm25", small_corpus()).search(body["queries"], 1)
    contents = '"Alien"\nA 1979 science fiction film directed by Ridley Scott.'
    assert answer.status_code == 200
    assert answer.json() == {
        "result": [
            [
                {
                    "document": {"id": "d0", "contents": contents},
                    "score": alien.score,
                }
            ],
            [
                {
                    "document": {"id": lima.id, "contents": f'"{lima.title}"\n{lima.text}'},
                    "score": lima.score,
                }
            ],
        ]
    }


def test_without_scores_an_item_is_the_bare_document(url: str) -> None:
    answer = httpx.post(url, json={"queries": ["Alien"], "topk": 1, "return_scores": False})
    contents = '"Alien"\nA 1979 science fiction film directed by Ridley Scott.'
    assert answer.json() == {"result": [[{"id": "d0", "contents": contents}]]}


@pytest.mark.parametrize("topk", [{}, {"topk": None}, {"topk": 0}])
def test_the_default_is_three_documents_without_scores(url: str, topk: dict[str, Any]) -> None:
    answer = httpx.post(url, json={"queries": ["film country directed capital"], **topk})
    (items,) = answer.json()["result"]
    assert len(items) == 3
    assert all(set(item) == {"id", "contents"} for item in items)


def test_nothing_found_and_nothing_asked_are_empty_lists(url: str) -> None:
    assert httpx.post(url, json={"queries": ["zzz"]}).json() == {"result": [[]]}
    assert httpx.post(url, json={"queries": []}).json() == {"result": []}


def test_healthz_says_that_the_server_is_up_and_how_much_it_serves(url: str) -> None:
    answer = httpx.get(url.replace("/retrieve", "/healthz"))
    assert (answer.status_code, answer.json()) == (
        200,
        {"status": "ok", "documents": 10, "waiting": 0},
    )


REFUSED: dict[str, tuple[bytes, int, str]] = {
    # what is sent: (body, status, what the sentence says)
    "no JSON": (b"queries=Alien", 400, "the body is no JSON"),
    "half a JSON": (b'{"queries": ["Al', 400, "the body is no JSON"),
    "not UTF-8": (b"\xff\xfe\xff", 400, "the body is no JSON"),
    "a list": (b'["Alien"]', 400, "send a JSON object"),
    "no queries": (b'{"query": "Alien"}', 422, "no field 'queries'; got query"),
    "one query": (b'{"queries": "Alien"}', 422, "must be a list of strings"),
    "numbers": (b'{"queries": [1]}', 422, "must be a list of strings"),
    "topk text": (
        b'{"queries": ["a"], "topk": "3"}',
        422,
        "'topk' must be a whole number from 1 to 5",
    ),
    "topk true": (b'{"queries": ["a"], "topk": true}', 422, "got True"),
    "topk negative": (b'{"queries": ["a"], "topk": -1}', 422, "got -1"),
    "topk large": (b'{"queries": ["a"], "topk": 6}', 422, "got 6"),
    "scores 1": (b'{"queries": ["a"], "return_scores": 1}', 422, "true or false, got 1"),
    "many queries": (json.dumps({"queries": ["a"] * 5}).encode(), 413, "send at most 4"),
    "a long query": (json.dumps({"queries": ["a" * 51]}).encode(), 413, "at most 50"),
    "a large body": (b" " * 1001, 413, "larger than 1,000 bytes"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_a_request_that_cannot_be_met_is_answered_with_a_sentence(url: str, what: str) -> None:
    body, status, sentence = REFUSED[what]
    answer = httpx.post(url, content=body)
    assert answer.status_code == status
    assert sentence in answer.json()["error"]


def test_the_client_tells_what_the_server_refused(url: str) -> None:
    with pytest.raises(RetrievalError, match=r"answered 413 .*send at most 4"):
        make_retriever(url, None).search(["a"] * 5, 3)
    assert len(make_retriever(url, None, batch_size=4).search(["a"] * 5, 3)) == 5


class Gate:
    """A retriever that waits until it is let through and records what it is asked."""

    def __init__(self) -> None:
        self.open = threading.Event()
        self.begun = threading.Event()
        self.asked: list[tuple[list[str], int]] = []

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        self.asked.append((list(queries), top_k))
        self.begun.set()
        assert self.open.wait(20)
        if "broken" in queries:
            raise RetrievalError("the index is on a disk that went away")
        return [(Document(id=query, title="", text=query, score=1.0),) for query in queries]


def ask(url: str, queries: list[str], topk: int = 1) -> httpx.Response:
    return httpx.post(url, json={"queries": queries, "topk": topk}, timeout=30)


def wait_until_waiting(url: str, queries: int) -> None:
    deadline = time.monotonic() + 20
    while httpx.get(url.replace("/retrieve", "/healthz")).json()["waiting"] != queries:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_requests_that_come_during_a_search_are_searched_together_and_once() -> None:
    gate = Gate()
    with serving(create_app(gate, documents=1)) as url, ThreadPoolExecutor(12) as pool:
        first = pool.submit(ask, url, ["first"])
        assert gate.begun.wait(10)
        others = [pool.submit(ask, url, [f"q{n % 4}", f"r{n}"]) for n in range(8)]
        wider = pool.submit(ask, url, ["q0"], 2)
        wait_until_waiting(url, 1 + 8 * 2 + 1)
        gate.open.set()
        assert first.result().json()["result"] == [[{"id": "first", "contents": '""\nfirst'}]]
        for n, other in enumerate(others):
            ids = [[item["id"] for item in found] for found in other.result().json()["result"]]
            assert ids == [[f"q{n % 4}"], [f"r{n}"]]
        assert wider.result().status_code == 200
    together = {top_k: queries for queries, top_k in gate.asked[1:]}
    assert len(gate.asked) == 3
    assert sorted(together[1]) == sorted({f"q{n}" for n in range(4)} | {f"r{n}" for n in range(8)})
    assert together[2] == ["q0"]


def test_too_many_waiting_queries_are_turned_away_and_told_when_to_come_back() -> None:
    gate = Gate()
    app = create_app(gate, documents=1, limits=ServerLimits(waiting=3))
    with serving(app) as url, ThreadPoolExecutor(4) as pool:
        first = pool.submit(ask, url, ["a", "b"])
        assert gate.begun.wait(10)
        refused = ask(url, ["c", "d"])
        assert refused.status_code == 503
        assert refused.headers["retry-after"] == "1"
        assert "2 queries are waiting" in refused.json()["error"]
        fits = pool.submit(ask, url, ["c"])
        wait_until_waiting(url, 2 + 1)
        gate.open.set()
        assert (first.result().status_code, fits.result().status_code) == (200, 200)
        assert ask(url, ["c", "d", "e"]).status_code == 200


def test_too_many_requests_are_turned_away_before_their_bodies_are_read() -> None:
    gate = Gate()
    app = create_app(gate, documents=1, limits=ServerLimits(requests=1))
    with serving(app) as url, ThreadPoolExecutor(2) as pool:
        first = pool.submit(ask, url, ["a"])
        assert gate.begun.wait(10)
        began = time.monotonic()
        refused = ask(url, ["b"])
        assert time.monotonic() - began < 5
        assert (refused.status_code, refused.headers["retry-after"]) == (429, "1")
        gate.open.set()
        assert first.result().status_code == 200
        assert ask(url, ["b"]).status_code == 200


def test_a_body_that_does_not_come_is_not_waited_for() -> None:
    gate = Gate()
    app = create_app(gate, documents=1, limits=ServerLimits(body_seconds=0.2))
    with serving(app) as url:
        port = int(url.rpartition(":")[2].partition("/")[0])
        with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
            client.sendall(b"POST /retrieve HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{")
            assert client.recv(200).startswith(b"HTTP/1.1 408")


def test_with_a_token_only_who_has_it_may_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IGS_TOKEN", "open sesame")
    app = create_app(make_retriever("bm25", small_corpus()), documents=10)
    with serving(app) as url:
        assert ask(url, ["Alien"]).status_code == 401
        wrong = httpx.post(url, json={"queries": []}, headers={"Authorization": "Bearer open"})
        assert wrong.status_code == 401
        assert len(make_retriever(url, None).search(["Alien"], 1)[0]) == 1
        monkeypatch.delenv("IGS_TOKEN")
        without = make_retriever(url, None)
        monkeypatch.setenv("IGS_TOKEN", "open sesame")
        monkeypatch.setattr("igs_env.retrievers.connections.authorization", dict)
        with pytest.raises(RetrievalError, match=r"answered 401 .*set IGS_TOKEN"):
            without.search(["Alien"], 1)


def test_a_retriever_that_fails_is_told_to_everyone_who_asked() -> None:
    gate = Gate()
    gate.open.set()
    with serving(create_app(gate, documents=1)) as url:
        answer = ask(url, ["broken"])
        assert answer.status_code == 502
        assert answer.json() == {"error": "the index is on a disk that went away"}
        assert ask(url, ["whole"]).status_code == 200


def test_a_client_that_hangs_up_does_not_end_the_search_of_the_others() -> None:
    gate = Gate()
    with serving(create_app(gate, documents=1)) as url, ThreadPoolExecutor(2) as pool:
        patient = pool.submit(ask, url, ["patient"])
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(url, json={"queries": ["hasty"]}, timeout=0.3)
        gate.open.set()
        assert patient.result().status_code == 200


def test_a_request_that_is_cancelled_does_not_cancel_the_search_it_shares() -> None:
    async def two_ask_and_one_leaves() -> list[tuple[Document, ...]]:
        batcher = Batcher(gate, most_waiting=10)
        hasty = asyncio.create_task(batcher.search(["hasty"], 1))
        patient = asyncio.create_task(batcher.search(["patient"], 1))
        assert await asyncio.to_thread(gate.begun.wait, 10)
        hasty.cancel()
        await asyncio.sleep(0)
        gate.open.set()
        return await patient

    gate = Gate()
    ((found,),) = asyncio.run(two_ask_and_one_leaves())
    assert found.id == "patient"
    assert gate.asked == [(["hasty", "patient"], 1)]


def test_a_port_that_is_taken_is_an_error(url: str) -> None:
    port = int(url.rpartition(":")[2].partition("/")[0])
    app = create_app(make_retriever("bm25", small_corpus()), documents=10)
    with (
        pytest.raises(
            ConfigurationError,
            match=f"cannot listen at 127.0.0.1 port {port}: Address already in use",
        ),
        serving(app, port=port),
    ):
        pass
