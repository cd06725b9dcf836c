"""Ratios 8 and 9: what the environment adds to its retriever.

Ratio 8: queries per second of the native vector environment over those of the same retriever
called bare on the same queries, without duplicates; scoring off. Ratio 9: the environment's own
time, retrieval excluded, over the whole step. Runs alternate A B A B in one process.

    python -m benchmarks.speed.environment --output benchmarks/speed/results/environment.json
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np

import igs_env  # noqa: F401 - registers the environments
from benchmarks.machine import machine

WORLDS = (
    "atlas",
    "fiction:documents=10000",
    "fiction:documents=100000",
    "fiction:documents=1000000",
)
"""The embedded world, and made-up ones of growing size."""


class Timed:
    """A retriever that adds up the CPU time of its searches."""

    def __init__(self, inner: Any) -> None:
        self.inner, self.seconds = inner, 0.0

    def search(self, queries: list[str], top_k: int) -> Any:
        began = time.process_time()
        found = self.inner.search(queries, top_k)
        self.seconds += time.process_time() - began
        return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", nargs="*", default=WORLDS)
    parser.add_argument("--envs", type=int, default=64)
    parser.add_argument("--rounds", type=int, default=24)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    rows = []
    for world in args.worlds:
        rows.append(measure(world, args.envs, args.rounds))
        print(json.dumps(rows[-1]), flush=True)
    result = {
        "command": f"python -m benchmarks.speed.environment --envs {args.envs} "
        f"--rounds {args.rounds} --worlds {' '.join(args.worlds)}",
        "unit": "ms of CPU time per step of all environments: median, 10th, 90th percentile",
        "seeds": [number * args.envs for number in range(2, args.rounds + 2)],
        "machine": machine(),
        "rows": rows,
    }
    if args.output:
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps(result, indent=1) + "\n")


def measure(world: str, count: int, rounds: int) -> dict[str, Any]:
    envs: Any = gym.make_vec(
        "IGSearchQA-v0", num_envs=count, questions=world, corpus=world, sampler="none"
    )
    rules = envs.task.rules
    timed = Timed(rules.retriever)
    object.__setattr__(rules, "retriever", timed)
    steps, bares, owns, asked = [], [], [], []
    for number in range(rounds + 2):
        envs.reset(seed=number * count)
        queries = [str(e.question.metadata["queries"][0]) for e in envs.episodes]
        actions = tuple(f"<think>I look it up.</think><search> {q} </search>" for q in queries)
        timed.seconds = 0.0
        began = time.process_time()
        envs.step(actions)
        step = time.process_time() - began
        own = step - timed.seconds
        began = time.process_time()
        timed.inner.search(list(dict.fromkeys(queries)), rules.top_k)
        bare = time.process_time() - began
        if number >= 2:  # the first rounds fill caches
            steps.append(step)
            bares.append(bare)
            owns.append(own)
            asked.append(len(dict.fromkeys(queries)))
    ratio_8, ratio_9 = np.array(bares) / np.array(steps), np.array(owns) / np.array(steps)
    return {
        "world": world,
        "documents": len(envs.task.corpus),
        "environments": count,
        "step_ms": spread(np.array(steps) * 1e3),
        "retriever_ms": spread(np.array(bares) * 1e3),
        "own_ms": spread(np.array(owns) * 1e3),
        "queries_per_second": spread(np.array(asked) / np.array(steps)),
        "bare_queries_per_second": spread(np.array(asked) / np.array(bares)),
        "ratio_8_target_0.9": spread(ratio_8),
        "ratio_9_target_0.01": spread(ratio_9),
    }


def spread(values: np.ndarray) -> list[float]:
    return [round(float(q), 4) for q in np.quantile(values, [0.5, 0.1, 0.9])]


if __name__ == "__main__":
    main()
