"""One update of SmolLM2-135M on the embedded world: how much memory and time it takes on a CPU.

    python -m benchmarks.speed.smollm2_update --output benchmarks/speed/results/smollm2_update.json

The commands of docs/real-models.md, each in a process of its own: `igs convert`, a short warm start
on a small made-up world, which teaches the form of an episode, and `igs train --config
smollm2-atlas-cpu updates=1`. Reported are the training process's greatest resident memory and CPU
time as the system counts them, and the run's own timings and metrics. It evaluates before and
after, on few questions. Folders that are there are not made again.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from igs_agent.tracking import read_jsonl

FORM = "fiction:documents=200,facts=1,words=0,hops=1-2,seed=3,questions=80"
MODEL, WARM, RUN = "smollm2", "warm", "run"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folder", type=Path, default=Path("runs/smollm2-update"))
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--questions", type=int, default=2, help="dev questions per evaluation")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    model, warm, run = (args.folder / name for name in (MODEL, WARM, RUN))
    if not model.exists():
        _igs(args.threads, "convert", "smollm2", str(model))
    if not warm.exists():
        _igs(args.threads, "warmstart", *_warm_start(model, warm))
    shutil.rmtree(run, ignore_errors=True)
    settings = [f"run={run}", f"policy={warm}", "updates=1"]
    settings += [f"evaluation.questions={args.questions}"]
    cost = _igs(args.threads, "train", "--config", "smollm2-atlas-cpu", *settings)
    (metrics,) = [r for r in read_jsonl(run / "metrics.jsonl") if "update/loss" in r]
    (timings,) = read_jsonl(run / "timings.jsonl")
    record = {
        "machine": machine(),
        "command": sys.argv[1:],
        "warm_start": ["igs", "warmstart", *_warm_start(model, warm)],
        "train": ["igs", "train", "--config", "smollm2-atlas-cpu", *settings],
        "threads": args.threads,
        **cost,
        "timings": timings,
        "metrics": metrics,
    }
    print(json.dumps(record, indent=1))
    if args.output:
        args.output.write_text(json.dumps(record, indent=1) + "\n")


def _warm_start(model: Path, warm: Path) -> list[str]:
    """A pretrained model needs to see the form only, a few hundred times."""
    shape = {"questions": FORM, "protocol": "plain", "top_k": 1, "max_searches": 3}
    return [
        f"policy={model}",
        f"output={warm}",
        *(f"env.{name}={value}" for name, value in shape.items()),
        *("first_turns=0", "excerpts=0", "documents=0", "renamed=0"),
        *("supervised.epochs=4", "supervised.learning_rate=1e-4", "supervised.batch_tokens=1024"),
        "supervised.autocast=true",
    ]


def _igs(threads: int, *arguments: str) -> dict[str, Any]:
    """Run a verb; the memory and time that the system counted for its process."""
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "igs_agent.cli", *arguments],
        env={**os.environ, "OMP_NUM_THREADS": str(threads)},
    )
    _, status, usage = os.wait4(process.pid, 0)
    if os.waitstatus_to_exitcode(status):
        raise SystemExit(f"igs {arguments[0]} did not end well")
    return {
        "peak_rss_gib": round(usage.ru_maxrss / 2**20, 2),
        "process_cpu_seconds": round(usage.ru_utime + usage.ru_stime, 1),
        "process_wall_seconds": round(time.perf_counter() - began, 1),
    }


if __name__ == "__main__":
    main()
