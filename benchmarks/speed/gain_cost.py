"""Ratio 3: what the information gain costs in training, per N, at the embedded world's shape.

    python -m benchmarks.speed.gain_cost --output benchmarks/speed/results/gain_cost.json

Updates of the recipe `tiny-atlas` with N counterfactuals per search, in turn (N = 0 is `grpo`), on
the same questions with the same draws; shares are medians over the updates. Rollouts and the
update are the same work for every N. A fast step makes the gain's share larger: compare shares with
token shares.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import machine
from igs_agent.config_file import load_config
from igs_agent.run import Run, start
from igs_agent.tracking import read_jsonl
from igs_agent.trainer import train_one


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--counts", type=int, nargs="+", default=[0, 1, 3, 8])
    parser.add_argument("--updates", type=int, default=5)
    parser.add_argument("--recipe", default="tiny-atlas")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        runs = {
            count: _start(args.recipe, Path(folder) / str(count), count) for count in args.counts
        }
        for _ in range(args.updates):
            for run in runs.values():
                train_one(run)
        rows = [_row(count, Path(folder) / str(count)) for count in args.counts]
    for row in rows:
        print(row)
    if args.output:
        record = {"machine": machine(), "recipe": args.recipe, "updates": args.updates}
        args.output.write_text(json.dumps({**record, "rows": rows}, indent=1) + "\n")


def _start(recipe: str, folder: Path, count: int) -> Run:
    credit = ["credit=grpo"] if count == 0 else [f"credit.counterfactuals={count}"]
    config = load_config(recipe, [f"run={folder}", *credit])
    return start(config, resume=False, report=None)


def _row(count: int, folder: Path) -> dict[str, float]:
    metrics = list(read_jsonl(folder / "metrics.jsonl"))
    timings = list(read_jsonl(folder / "timings.jsonl"))
    seconds = {
        phase: np.array([row.get(f"seconds/{phase}", 0.0) for row in timings])
        for phase in ("rollout", "gain", "update")
    }
    tokens = {
        name: np.array([row[key] for row in metrics])
        for name, key in (
            ("rollout", "rollout/tokens"),
            ("gain", "gain/forward_tokens"),
            ("update", "update/forward_tokens"),
        )
    }
    return {
        "counterfactuals": count,
        "gain_share_of_time": _share(seconds),
        "gain_share_of_tokens": _share(tokens),
        "gain_tokens_per_update": float(np.median(tokens["gain"])),
        "gain_seconds_per_update": round(float(np.median(seconds["gain"])), 3),
        "step_seconds": round(float(np.median(sum(seconds.values()))), 3),
    }


def _share(parts: dict[str, np.ndarray]) -> float:
    return round(float(np.median(parts["gain"] / sum(parts.values()))), 4)


if __name__ == "__main__":
    main()
