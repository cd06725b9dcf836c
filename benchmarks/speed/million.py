"""A million documents: indexed, killed on the way and gone on with, opened, served, searched.

    python -m benchmarks.speed.million --output benchmarks/speed/results/million.json

Everything goes through the commands that a user has, each a process of its own: `igs index` for
BM25 and for embeddings of a static encoder, one of whose builds is ended by kill -9 and repeated;
`igs serve` on what they wrote; a client with the gold queries of the world's questions. A stage is
written when it is done, and not repeated: a benchmark that was stopped goes on with the next one.

Seconds are of the processor, since a busy machine stretches the clock; queries per second are given
for both. Memory is what the system counts for the process: `anonymous` is its own, `file` are pages
of mapped files, which the system takes back when it needs them.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from benchmarks.speed.corpus_open import write
from igs_env.datasets import load_questions, open_corpus
from igs_env.retrievers import Retriever, make_retriever
from igs_env.types import Question

ENCODER = "wordllama"
FACTORY = "IVF1024,SQ8"
KILL_AT = 0.3
"""Share of the embeddings that are there when the build is killed."""
BARE = {"check": "size"}
SERVED: dict[str, tuple[str, str, dict[str, Any]]] = {
    "bm25": ("bm25", "bm25", {}),
    "dense, Flat": ("dense", "dense", {}),
    f"dense, {FACTORY}": ("dense", "ivf.index", {**BARE, "search_parameters": "nprobe=32"}),
}
"""Row of the table → retriever, index, further arguments."""
TICK = os.sysconf("SC_CLK_TCK")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--queries", type=int, default=1024, help="in batches of 256")
    parser.add_argument("--alone", type=int, default=100, help="one at a time")
    parser.add_argument("--folder", type=Path, default=Path("runs/million"), help="needs 5 GB")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    args.folder.mkdir(parents=True, exist_ok=True)
    os.environ["IGS_CACHE"] = str(args.folder / "cache")
    record = _started(args)
    for name, stage in stages(args).items():
        if name not in record["stages"]:
            record["stages"][name] = stage()
            print(f"{name}: {json.dumps(record['stages'][name])}", flush=True)
            if args.output:
                args.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
    print(table(record))


def stages(args: argparse.Namespace) -> dict[str, Callable[[], dict[str, Any]]]:
    """Name → what does it, in order."""
    dense = [*_index(args, "dense"), "--encoder", ENCODER]
    return {
        "corpus": lambda: write(open_corpus(world(args)), args.folder / "corpus.jsonl"),
        "bm25": lambda: finished([*_index(args, "bm25"), "--retriever", "bm25"]),
        "killed": lambda: killed(dense, args.folder / "dense.building" / "embeddings", args),
        "dense": lambda: finished(dense),
        "ivf": lambda: ivf(args.folder),
        **{f"{row}, served": partial(served, args, row) for row in SERVED},
    }


def world(args: argparse.Namespace) -> str:
    return f"fiction:documents={args.documents},seed=1"


def _index(args: argparse.Namespace, name: str) -> list[str]:
    corpus, output = str(args.folder / "corpus.jsonl"), str(args.folder / name)
    return [*IGS, "index", "--corpus", corpus, "--output", output]


IGS = [sys.executable, "-m", "igs_agent.cli"]


def finished(command: Sequence[str]) -> dict[str, Any]:
    """What a command took; it must succeed."""
    began = time.perf_counter()
    process = subprocess.Popen(command)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {process.returncode}")
    return {
        "wall_s": round(time.perf_counter() - began, 1),
        "processor_s": round(used.ru_utime + used.ru_stime, 1),
        "peak_resident_mb": round(used.ru_maxrss * 1024 / 1e6),
    }


def killed(command: Sequence[str], chunks: Path, args: argparse.Namespace) -> dict[str, Any]:
    """Start a build, end it by kill -9, and see that what was done is left alone afterwards.

    The command is started once more and killed again when it has written a chunk: those of the
    first build must be the same files still.
    """
    wanted = int(KILL_AT * -(-args.documents // 1024))
    first = _kill_when(command, lambda: _count(chunks) >= wanted)
    before = {path.name: path.stat().st_mtime_ns for path in chunks.glob("*.npy")}
    _kill_when(command, lambda: _count(chunks) > len(before))
    after = {path.name: path.stat().st_mtime_ns for path in chunks.glob("*.npy")}
    return {
        "killed_after_s": first,
        "chunks_of_1024_kept": len(before),
        "written_again": sum(after.get(name) != stamp for name, stamp in before.items()),
    }


def _count(chunks: Path) -> int:
    return len(list(chunks.glob("*.npy")))


def _kill_when(command: Sequence[str], ready: Callable[[], bool]) -> float:
    began = time.perf_counter()
    process = subprocess.Popen(command)
    while not ready():
        if process.poll() is not None:
            raise SystemExit(f"{' '.join(command)} ended by itself, with {process.returncode}")
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    process.wait()
    return round(time.perf_counter() - began, 1)


def ivf(folder: Path) -> dict[str, Any]:
    """An approximate index of the same embeddings, as a bare FAISS file."""
    code = (
        "import sys, faiss\n"
        "flat = faiss.read_index(sys.argv[1], faiss.IO_FLAG_MMAP_IFC)\n"
        "index = faiss.index_factory(flat.d, sys.argv[3], faiss.METRIC_INNER_PRODUCT)\n"
        "step = max(1, flat.ntotal // 262144)\n"
        "index.train(flat.reconstruct_n(0, flat.ntotal)[::step].copy())\n"
        "for at in range(0, flat.ntotal, 65536):\n"
        "    index.add(flat.reconstruct_n(at, min(65536, flat.ntotal - at)))\n"
        "faiss.write_index(index, sys.argv[2])\n"
    )
    places = [str(folder / "dense" / "vectors.faiss"), str(folder / "ivf.index")]
    return finished([sys.executable, "-c", code, *places, FACTORY])


def served(args: argparse.Namespace, row: str) -> dict[str, Any]:
    """A server's start, memory, speed, and what its answers are worth."""
    spec, index, kwargs = SERVED[row]
    place = args.folder / index
    asked = _gold_queries(load_questions(world(args), split="train"))
    needed = args.queries + args.alone
    queries = list(asked)[:needed]
    if len(queries) < needed:
        raise SystemExit(f"the world has {len(queries)} distinct gold queries of {needed}")
    with _serving(args, spec, place, kwargs) as (process, url, started):
        retriever = make_retriever(url, None, timeout=600.0, connections=1)
        retriever.search(["nobody asked this before"], 3)
        fresh = _memory(process.pid)
        batched = _timed(process.pid, retriever, queries[: args.queries], 256)
        alone = _timed(process.pid, retriever, queries[args.queries :], 1)
        return {
            "index_mb": round(_size(place) / 1e6),
            "start": started,
            "resident_mb_before": fresh,
            "resident_mb_after": _memory(process.pid),
            "batches_of_256": batched["figures"],
            "one_at_a_time": alone["figures"],
            "gold_found_at_3": round(
                float(np.mean([hit(found, asked[q]) for q, found in batched["found"].items()])), 3
            ),
        }


def hit(found: Sequence[str], gold: Sequence[str]) -> bool:
    return not set(found).isdisjoint(gold)


def _gold_queries(questions: Sequence[Question]) -> dict[str, Sequence[str]]:
    """Distinct gold queries → ids of the documents that they are after."""
    return {
        query: gold
        for question in questions
        for query, gold in zip(question.metadata["queries"], question.gold_documents, strict=True)
    }


@contextmanager
def _serving(
    args: argparse.Namespace, spec: str, place: Path, kwargs: Mapping[str, Any]
) -> Iterator[tuple[subprocess.Popen[str], str, dict[str, float]]]:
    """(the process, its address, seconds until it listened)."""
    command = [*IGS, "serve", "--corpus", str(args.folder / "corpus.jsonl"), "--retriever", spec]
    command += ["--index", str(place), "--port", "0", "--retriever-kwargs", json.dumps(kwargs)]
    command += ["--encoder", ENCODER] if spec == "dense" else []
    began = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stderr is not None
            lines = iter(process.stderr.readline, "")
            address = next((line for line in lines if line.startswith("serving at ")), "")
            if not address:
                raise SystemExit("the server did not start")
            took = {
                "wall_s": round(time.perf_counter() - began, 1),
                "processor_s": round(_processor(process.pid), 1),
            }
            yield process, address.removeprefix("serving at ").strip(), took
        finally:
            process.kill()


def _timed(pid: int, retriever: Retriever, queries: Sequence[str], size: int) -> dict[str, Any]:
    used = _processor(pid)
    waits: list[float] = []
    found: dict[str, list[str]] = {}
    for at in range(0, len(queries), size):
        batch, began = queries[at : at + size], time.perf_counter()
        results = retriever.search(batch, 3)
        waits.append(time.perf_counter() - began)
        found |= {q: [d.id for d in docs] for q, docs in zip(batch, results, strict=True)}
    processor = max(_processor(pid) - used, 1 / TICK)
    figures: dict[str, Any] = {
        "queries": len(queries),
        "per_second": round(len(queries) / sum(waits), 1),
        "per_second_of_the_servers_processor": round(len(queries) / processor, 1),
    }
    if size == 1:
        figures["wait_ms_p50_p99"] = np.round(1e3 * np.quantile(waits, [0.5, 0.99]), 1).tolist()
    return {"figures": figures, "found": found}


def _processor(pid: int) -> float:
    """Seconds of processor that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def _memory(pid: int) -> dict[str, int]:
    text = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    names = {"all": "VmRSS", "anonymous": "RssAnon", "file": "RssFile"}
    found = {name: re.search(rf"{key}:\s+(\d+)", text) for name, key in names.items()}
    return {name: round(int(m[1]) * 1024 / 1e6) for name, m in found.items() if m is not None}


def _size(place: Path) -> int:
    files = [place] if place.is_file() else [file for file in place.rglob("*") if file.is_file()]
    return sum(file.stat().st_size for file in files)


def _started(args: argparse.Namespace) -> dict[str, Any]:
    settings = {"documents": args.documents, "queries": args.queries, "alone": args.alone}
    if args.output and args.output.is_file():
        record: dict[str, Any] = json.loads(args.output.read_text(encoding="utf-8"))
        if record["settings"] != settings:
            raise SystemExit(f"{args.output} was measured with {record['settings']}; move it away")
        return record
    made = {"encoder": ENCODER, "approximate": FACTORY, "world": world(args)}
    return {"settings": settings, **made, "seed": 1, "machine": machine(), "stages": {}}


def table(record: Mapping[str, Any]) -> str:
    """What was built and what was served, in Markdown."""
    stages, builds = record["stages"], {"bm25": "bm25", "dense, Flat": "dense"}
    builds[f"dense, {record['approximate']}"] = "ivf"
    lines = [
        "| | build, processor | peak memory | index | start | resident: own + mapped | queries/s, "
        "batches of 256: clock, processor | one at a time: clock, processor | gold @3 |",
        "|---" * 9 + "|",
    ]
    for row, built in builds.items():
        build, run = stages[built], stages[f"{row}, served"]
        memory = run["resident_mb_after"]
        speeds = [
            f"{run[way]['per_second']:,.0f}, {run[way]['per_second_of_the_servers_processor']:,.0f}"
            for way in ("batches_of_256", "one_at_a_time")
        ]
        lines.append(
            f"| {row} | {build['processor_s']:.0f} s | {build['peak_resident_mb']:,} MB "
            f"| {run['index_mb']:,} MB | {run['start']['processor_s']:.1f} s "
            f"| {memory['anonymous']:,} + {memory['file']:,} MB | {' | '.join(speeds)} "
            f"| {run['gold_found_at_3']:.2f} |"
        )
    return "\n".join(lines)


if __name__ == "__main__":
    main()
