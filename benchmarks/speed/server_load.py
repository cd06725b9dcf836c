"""The retrieval server under load, beside a re-creation of Search-R1's batch endpoint.

Both serve the same BM25 index from processes of their own; a third process is the clients. Each
client sends one query, waits for its answer and sends the next, over a connection that is kept
open. Levels and servers alternate A B A B. The peer is written after Search-R1's documented
endpoint: a FastAPI handler that validates `queries, topk, return_scores` and searches each request
by itself in a worker thread. Then overload: a server that lets 32 queries wait meets 256 clients.

    python -m benchmarks.speed.server_load --output benchmarks/speed/results/server_load.json
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine

CORPUS = "atlas"
LEVELS = (1, 16, 64, 256)
WAITING = 32
"""Queries that may wait at the server that is overloaded."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0, help="per server, level and round")
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--serve", choices=("ours", "peer", "small"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        serve_one(args.serve)
        return
    queries = queries_of_questions()
    with Server("ours") as ours, Server("peer") as peer:
        rows = compare({"ours": ours, "peer": peer}, queries, args.seconds, args.rounds)
    with Server("small") as small:
        overload = overloaded(small, queries, args.seconds)
    result = {
        "command": f"python -m benchmarks.speed.server_load --seconds {args.seconds:g}",
        "unit": "queries per second; milliseconds per answer; MiB resident",
        "machine": machine(),
        "corpus": CORPUS,
        "rows": rows,
        "overload": overload,
    }
    if args.output:
        args.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


def queries_of_questions() -> list[str]:
    from igs_env.datasets import load_questions

    return [question.text for question in load_questions(CORPUS, split="dev")][:500]


def compare(
    servers: dict[str, Server], queries: list[str], seconds: float, rounds: int
) -> list[dict[str, Any]]:
    loads: dict[tuple[str, int], Load] = {}
    for _ in range(rounds):
        for clients in LEVELS:
            for name, server in servers.items():
                load = loads.setdefault((name, clients), Load())
                asyncio.run(clients_of(server.port, queries, clients, seconds, load))
                load.memory.append(server.memory())
    rows = []
    for (name, clients), load in loads.items():
        row = {"server": name, "clients": clients, **load.numbers()}
        print(json.dumps(row), flush=True)
        rows.append(row)
    return rows


def overloaded(server: Server, queries: list[str], seconds: float) -> dict[str, Any]:
    """How an overloaded server answers, and how it does when the load is gone."""
    during, after = Load(), Load()
    asyncio.run(clients_of(server.port, queries, 256, seconds, during))
    asyncio.run(clients_of(server.port, queries, 1, 1.0, after))
    found = {"waiting": WAITING, "during": during.numbers(), "after": after.numbers()}
    print(json.dumps(found), flush=True)
    return found


@dataclass
class Load:
    """What clients of one level saw."""

    status: Counter[int] = field(default_factory=Counter)
    answered: list[float] = field(default_factory=list)
    """Seconds until each answer with documents."""
    refused: list[float] = field(default_factory=list)
    """Seconds until each other answer."""
    seconds: float = 0.0
    memory: list[float] = field(default_factory=list)

    def numbers(self) -> dict[str, Any]:
        return {
            "queries_per_second": round(len(self.answered) / self.seconds, 1),
            "p50_ms": percentile(self.answered, 50),
            "p99_ms": percentile(self.answered, 99),
            "refused_p50_ms": percentile(self.refused, 50),
            "refused_p99_ms": percentile(self.refused, 99),
            "status": {str(code): count for code, count in sorted(self.status.items())},
            "memory_mib": [round(size, 1) for size in self.memory],
        }


def percentile(seconds: list[float], share: float) -> float | None:
    return round(float(np.percentile(seconds, share)) * 1e3, 2) if seconds else None


async def clients_of(
    port: int, queries: list[str], clients: int, seconds: float, load: Load
) -> None:
    deadline = time.perf_counter() + seconds
    began = time.perf_counter()
    await asyncio.gather(
        *(
            client(port, queries[number::clients] or queries, deadline, load)
            for number in range(clients)
        )
    )
    load.seconds += time.perf_counter() - began


async def client(port: int, queries: list[str], deadline: float, load: Load) -> None:
    """By hand: an HTTP library would be most of the time that is measured."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    place = 0
    while time.perf_counter() < deadline:
        query = queries[place % len(queries)]
        place += 1
        body = json.dumps({"queries": [query], "topk": 3, "return_scores": True}).encode()
        began = time.perf_counter()
        writer.write(
            b"POST /retrieve HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
        )
        status, answer = await response(reader)
        load.status[status] += 1
        took = time.perf_counter() - began
        if status == 200:
            assert len(json.loads(answer)["result"]) == 1
            load.answered.append(took)
        else:
            load.refused.append(took)
            await asyncio.sleep(0.05)
    writer.close()


async def response(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    length = int(head.split("content-length:")[1].split("\r\n")[0])
    return int(head.split(" ")[1]), await reader.readexactly(length)


class Server:
    """One of the servers, in a process of its own."""

    def __init__(self, by: str) -> None:
        self._by = by

    def __enter__(self) -> Server:
        command = [sys.executable, "-m", "benchmarks.speed.server_load", "--serve", self._by]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        self.port = int(self._process.stdout.readline())
        asyncio.run(clients_of(self.port, ["warm up"], 1, 0.3, Load()))
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        self._process.wait()

    def memory(self) -> float:
        text = Path(f"/proc/{self._process.pid}/status").read_text(encoding="utf-8")
        return int(text.split("VmRSS:")[1].split()[0]) / 1024


def serve_one(by: str) -> None:
    import uvicorn

    from igs_env.datasets import open_corpus
    from igs_env.retrievers import make_retriever
    from igs_env.retrievers.search_request import ServerLimits
    from igs_env.retrievers.server import create_app, listening

    corpus = open_corpus(CORPUS)
    retriever = make_retriever("bm25", corpus)
    if by == "peer":
        app = peer_app(retriever)
    else:
        limits = ServerLimits(waiting=WAITING) if by == "small" else ServerLimits()
        app = create_app(retriever, documents=len(corpus), limits=limits)
    with listening("127.0.0.1", 0) as listener:
        print(listener.getsockname()[1], flush=True)
        os.environ.setdefault("OMP_NUM_THREADS", "1")
        uvicorn.Server(uvicorn.Config(app, log_level="error", access_log=False)).run([listener])


def peer_app(retriever: Any) -> Any:
    """Search-R1's endpoint as its documentation describes it."""
    from fastapi import FastAPI
    from pydantic import create_model

    from igs_env.datasets.contents import format_contents

    app = FastAPI()
    body = create_model(
        "Body", queries=(list[str], ...), topk=(int | None, None), return_scores=(bool, False)
    )

    def retrieve(request: Any) -> dict[str, Any]:
        found = retriever.search(request.queries, request.topk or 3)
        items = [
            [
                {"document": {"id": d.id, "contents": format_contents(d)}, "score": d.score}
                for d in documents
            ]
            for documents in found
        ]
        return {"result": items}

    retrieve.__annotations__["request"] = body
    app.post("/retrieve")(retrieve)
    return app


if __name__ == "__main__":
    main()
