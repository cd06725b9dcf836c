"""How long it takes to open a large corpus, what stays in memory, and what a document costs.

    python benchmarks/speed/corpus_open.py --documents 1000000 --output corpus_open.json

A made-up world is written as JSONL in Search-R1's shape, converted once, and opened by a fresh
process: with the files in the page cache (`warm`) and after they were dropped from it (`cold`).
Memory is what the system counts as resident for the whole process, interpreter included.
Above the million documents that a made-up world can have, documents are numbered sentences.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow

from igs_env.datasets import Corpus, open_corpus
from igs_env.datasets.contents import format_contents
from igs_env.types import Document

ACCESSES = 5_000


def main() -> None:
    arguments = read_arguments()
    count = arguments.documents
    world = f"fiction:documents={count},seed=1" if count <= 1_000_000 else None
    with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
        path = Path(folder) / "corpus.jsonl"
        os.environ["IGS_CACHE"] = str(Path(folder) / "cache")
        result = {
            "what": f"{world or f'{count} numbered sentences'}, written as JSONL",
            "command": f"python benchmarks/speed/corpus_open.py --documents {count}",
            "machine": machine(),
            "write": write(open_corpus(world) if world else sentences(count), path),
            "convert": in_new_process("convert", path),
            "open_warm": in_new_process("open", path),
            "open_cold": in_new_process("open", path, before=lambda: drop_from_page_cache(folder)),
            "read_all": in_new_process("read_all", path),
        }
    if world:
        result["without_files"] = in_new_process("open", world)
    result["targets"] = {"open_s": 2.0, "resident_mb": 300, "document_p99_ms": 1.0}
    text = json.dumps(result, indent=1)
    print(text)
    if arguments.output:
        arguments.output.write_text(f"{text}\n", encoding="utf-8")


def sentences(count: int) -> Iterator[Document]:
    for index in range(count):
        text = f"This is sentence {index} of {count}, and there is nothing else to say about it."
        yield Document(id=f"sentence-{index}", title=f"Sentence {index}", text=text)


def read_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--documents", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path, help="where to write; needs 1.2 KB per document")
    parser.add_argument("--output", type=Path, help="JSON file for the result")
    return parser.parse_args()


def machine() -> dict[str, Any]:
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    model = next((line.split(":")[1].strip() for line in lines if "model name" in line), "unknown")
    return {
        "processor": model,
        "cores": os.cpu_count(),
        "load": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()}, {platform.machine()}",
        "python": platform.python_version(),
        "numpy": np.__version__,
        "pyarrow": pyarrow.__version__,
    }


def write(documents: Iterable[Document], path: Path) -> dict[str, float]:
    start = time.perf_counter()
    with path.open("w", encoding="utf-8") as file:
        for document in documents:
            row = {"id": document.id, "contents": format_contents(document)}
            file.write(json.dumps(row) + "\n")
    return {
        "seconds": round(time.perf_counter() - start, 2),
        "gigabytes": round(path.stat().st_size / 1e9, 3),
    }


def in_new_process(
    probe: str, source: str | Path, before: Callable[[], None] | None = None
) -> dict[str, Any]:
    """What `PROBES[probe]` reports for a process that has done nothing else."""
    if before:
        before()
    code = f"import runpy; runpy.run_path({__file__!r})['report']({probe!r}, {str(source)!r})"
    run = subprocess.run([sys.executable, "-c", code], stdout=subprocess.PIPE, check=True)
    result: dict[str, Any] = json.loads(run.stdout)
    return result


def report(probe: str, source: str) -> None:
    print(json.dumps(PROBES[probe](source)))


def probe_open(source: str) -> dict[str, Any]:
    before, start = resident_mb(), time.perf_counter()
    corpus = open_corpus(source, in_memory_below=0)
    seconds, after = time.perf_counter() - start, resident_mb()
    length = len(corpus)
    picks = np.random.default_rng(0).integers(length, size=ACCESSES).tolist()
    ids = [corpus[index].id for index in picks[:: ACCESSES // 100]]
    return {
        "documents": length,
        "open_s": round(seconds, 4),
        "resident_mb_before": before,
        "resident_mb": after,
        "by_position": timings(lambda: map(corpus.__getitem__, picks)),
        "by_id": timings(lambda: map(corpus.by_id, every_id(corpus, picks, ids))),
        "resident_mb_after_accesses": resident_mb(),
    }


def every_id(corpus: Corpus, picks: list[int], ids: list[str]) -> list[str]:
    """Other documents than those just read, so that their pages are not warm."""
    prefix = ids[0].rpartition("-")[0]
    return [f"{prefix}-{(index * 7919 + 13) % len(corpus)}" for index in picks]


def timings(accesses: Callable[[], Iterator[object]]) -> dict[str, dict[str, float]]:
    """Milliseconds per document, as wall and as CPU time.

    On a busy machine the upper quantiles of the former are waits for a core.
    """
    stream, wall, cpu = accesses(), [], []
    while True:
        start, start_cpu = time.perf_counter(), time.thread_time()
        if next(stream, None) is None:
            break
        cpu.append(time.thread_time() - start_cpu)
        wall.append(time.perf_counter() - start)
    return {"wall_ms": quantiles(wall), "cpu_ms": quantiles(cpu)}


def quantiles(seconds: list[float]) -> dict[str, float]:
    values = 1e3 * np.quantile(seconds, [0.5, 0.99, 1.0])
    return dict(zip(("p50", "p99", "max"), np.round(values, 4).tolist(), strict=True))


def probe_convert(source: str) -> dict[str, Any]:
    start = time.perf_counter()
    corpus = open_corpus(source, in_memory_below=0)
    return {
        "seconds": round(time.perf_counter() - start, 2),
        "documents": len(corpus),
        "peak_resident_mb": peak_mb(),
    }


def probe_read_all(source: str) -> dict[str, Any]:
    corpus = open_corpus(source, in_memory_below=0)
    start = time.perf_counter()
    characters = sum(len(document.text) for document in corpus)
    seconds = time.perf_counter() - start
    return {
        "seconds": round(seconds, 2),
        "characters": characters,
        "resident_mb": resident_mb(),
        "of_which_shared_file_pages_mb": status_mb("RssFile"),
    }


PROBES = {"open": probe_open, "convert": probe_convert, "read_all": probe_read_all}


def resident_mb() -> float:
    return status_mb("VmRSS")


def peak_mb() -> float:
    return status_mb("VmHWM")


def status_mb(field: str) -> float:
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    line = next(line for line in lines if line.startswith(f"{field}:"))
    return round(int(line.split()[1]) * 1024 / 1e6, 1)


def drop_from_page_cache(folder: str) -> None:
    """Ask the system to forget the folder's files; only what is already on disk can go."""
    os.sync()
    for path in Path(folder).rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


if __name__ == "__main__":
    main()
