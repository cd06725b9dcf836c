"""Ratio 3: what the information gain costs in training, per N, at the embedded world's shape.

    python -m benchmarks.speed.gain_cost --output benchmarks/speed/results/gain_cost.json

Updates of the recipe `tiny-atlas` with N counterfactuals per search, in turn (N = 0 is `grpo`) in
one process, in CPU time of one thread; medians over the updates. All runs ask the same questions
with the same draws, but they learn differently, so that later rollouts differ a little. A fast step
makes the gain's share of the time larger: compare it with its share of the tokens.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from statistics import median

import torch

from benchmarks.machine import machine
from igs_agent.config_file import load_config
from igs_agent.gain_cost import PHASES, gain_cost_of_run
from igs_agent.run import Run, start
from igs_agent.tracking import read_jsonl
from igs_agent.trainer import train_one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[0, 1, 3, 5])
    parser.add_argument("--updates", type=int, default=5)
    parser.add_argument("--recipe", default="tiny-atlas")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            count: _start(args.recipe, Path(folder) / str(count), count) for count in args.counts
        }
        for number in range(args.updates):
            for run in runs.values():
                train_one(run)
            print(f"update {number + 1} of {args.updates}", flush=True)
        rows = [_row(count, Path(folder) / str(count)) for count in args.counts]
    print(table(rows))
    if args.output:
        record = {"machine": machine(), "command": sys.argv[1:], "recipe": args.recipe}
        record |= {"updates": args.updates, "seed": 0, "rows": rows}
        args.output.write_text(json.dumps(record, indent=1) + "\n")


def _start(recipe: str, folder: Path, count: int) -> Run:
    credit = ["credit=grpo"] if count == 0 else [f"credit.counterfactuals={count}"]
    config = load_config(recipe, [f"run={folder}", "policy.device=cpu", *credit])
    run = start(config, resume=False, report=None)
    run.clock = time.process_time
    return run


def _row(count: int, folder: Path) -> dict[str, float]:
    timings = list(read_jsonl(folder / "timings.jsonl"))
    searches = [row["rollout/searches"] for row in read_jsonl(folder / "metrics.jsonl")]
    seconds = [sum(row.get(f"seconds/{phase}", 0.0) for phase in PHASES) for row in timings]
    cost = {name: round(value, 4) for name, value in asdict(gain_cost_of_run(folder)).items()}
    return {
        "counterfactuals": count,
        **cost,
        "step_seconds": round(median(seconds), 3),
        "searches_per_episode": round(median(searches), 3),
    }


def table(rows: list[dict[str, float]]) -> str:
    """One line per N."""
    lines = [
        "| N | tokens per update | share of the tokens | seconds per update | share of the time |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['counterfactuals']:.0f} | {row['tokens']:,.0f} | {row['token_share']:.1%} "
        f"| {row['seconds']:.2f} of {row['step_seconds']:.2f} | {row['time_share']:.1%} |"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
