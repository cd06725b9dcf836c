"""A small world for retrieval tests, and servers that misbehave on purpose."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any

from igs_env.datasets import Corpus, open_corpus
from igs_env.types import Document

TEXTS = {
    "Alien": "A 1979 science fiction film directed by Ridley Scott.",
    "Gladiator": "A 2000 film directed by Ridley Scott about a Roman general.",
    "Amadeus": "A 1984 film directed by Miloš Forman about the composer Mozart.",
    "Peru": "A country in South America whose capital is Lima.",
    "Lima": "The capital of Peru and its largest city.",
    "Mount Kenya": "The highest mountain in Kenya and the second highest in Africa.",
    "Helium": "A chemical element that was found in the light of the sun.",
    "France": "A country in Europe whose capital is Paris.",
    "Albert Einstein": "He was given the Nobel Prize in Physics of 1921.",
    "Marie Curie": "She was given the Nobel Prize in Physics of 1903.",
}


def small_corpus() -> Corpus:
    return open_corpus(
        [
            Document(id=f"d{number}", title=title, text=text)
            for number, (title, text) in enumerate(TEXTS.items())
        ]
    )


Answer = Callable[[BaseHTTPRequestHandler, bytes], None]


class Recorder:
    """Connections and request bodies that a server has seen."""

    def __init__(self) -> None:
        self.connections = 0
        self.bodies: list[bytes] = []


@contextmanager
def server(*answers: Answer) -> Iterator[tuple[str, Recorder]]:
    """A server that gives `answers` in turn, the last one for ever."""
    recorder = Recorder()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def setup(self) -> None:
            recorder.connections += 1
            super().setup()

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            recorder.bodies.append(body)
            answers[min(len(recorder.bodies), len(answers)) - 1](self, body)

        def log_message(self, *_: Any) -> None: ...

    listener = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    listener.daemon_threads = True
    thread = Thread(target=listener.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.server_port}/retrieve", recorder
    finally:
        listener.shutdown()
        listener.server_close()
        thread.join()


def sends(content: bytes, status: int = 200, **headers: str) -> Answer:
    """Answer with `content`."""

    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(content)), **headers}.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content)

    return answer


def sends_json(value: Any, status: int = 200) -> Answer:
    return sends(json.dumps(value).encode(), status)


def breaks_off(content: bytes, promised: int) -> Answer:
    """Promise more bytes than are sent, then hang up."""

    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", str(promised))
        handler.end_headers()
        handler.wfile.write(content)
        handler.close_connection = True

    return answer


def hangs(seconds: float) -> Answer:
    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        time.sleep(seconds)
        handler.close_connection = True

    return answer


def trickles(seconds: float) -> Answer:
    """Send a byte every 50 ms, so that no read ever times out."""

    def answer(handler: BaseHTTPRequestHandler, _: bytes) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000000")
        handler.end_headers()
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            try:
                handler.wfile.write(b" ")
                handler.wfile.flush()
            except OSError:
                return
            time.sleep(0.05)
        handler.close_connection = True

    return answer


def one_document(id: str = "1") -> dict[str, Any]:
    """Search-R1's answer to one query."""
    item = {"document": {"id": id, "contents": '"Alien"\nA film.'}, "score": 1.5}
    return {"result": [[item]]}
