"""What ranks give and cost on one machine: updates of `tiny-atlas` by every executor.

    python -m benchmarks.speed.executors --output benchmarks/speed/results/executors.json

Every rank has one thread. The set-ups run in turn, round after round; per set-up the median over
all updates but each run's first of the phases' wall-clock time, and what publishing the weights
takes of it. Nothing else should run: more ranks than free cores show nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchmarks.machine import machine
from igs_agent.config_file import load_config
from igs_agent.tracking import read_jsonl
from igs_agent.trainer import train

LOCAL = "local"
SETUPS = {
    LOCAL: (),
    "torchrun, 1 rank": ("executor=torchrun", "executor.ranks=1"),
    "torchrun, 2 ranks": ("executor=torchrun", "executor.ranks=2"),
    "torchrun, 2 ranks, FSDP2": ("executor=torchrun", "executor.ranks=2", "executor.shard=true"),
    "torchrun, 2 ranks, 1 only plays": (
        "executor=torchrun",
        "executor.ranks=2",
        "executor.playing=1",
    ),
    "ray, 2 ranks": ("executor=ray", "executor.ranks=2"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--updates", type=int, default=6)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    torch.set_num_threads(1)
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in SETUPS}
    with tempfile.TemporaryDirectory() as folder:
        for round_ in range(args.rounds):
            for name, settings in SETUPS.items():
                run = Path(folder) / f"{len(found[name])}-{name}".replace(" ", "")
                found[name] += _updates(run, args.updates, settings)
                print(f"round {round_ + 1}: {name}", flush=True)
    rows = [_row(name, updates) for name, updates in found.items()]
    for row in rows:
        row["of local"] = round(row["seconds"] / rows[0]["seconds"], 3)
    print(table(rows))
    if args.output:
        record: dict[str, Any] = {
            "machine": machine(),
            "command": "python -m benchmarks.speed.executors",
        }
        record |= {"updates": args.updates, "rounds": args.rounds, "seed": 0, "rows": rows}
        args.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def _updates(run: Path, updates: int, settings: tuple[str, ...]) -> list[dict[str, Any]]:
    """Timings and tokens of a run's updates but the first."""
    config = load_config(
        "tiny-atlas",
        [
            f"run={run}",
            f"updates={updates}",
            "evaluation.every=0",
            "evaluation.questions=8",
            "policy.device=cpu",
            *settings,
        ],
    )
    train(config, report=None)
    metrics = [row for row in read_jsonl(run / "metrics.jsonl") if "update/loss" in row]
    timings = read_jsonl(run / "timings.jsonl")
    return [
        {**timing, "tokens": metric["rollout/tokens"] + metric["gain/forward_tokens"]}
        for timing, metric in zip(timings, metrics, strict=False)
    ][1:]


def _row(name: str, updates: list[dict[str, Any]]) -> dict[str, Any]:
    phases = ("rollout", "gain", "update", "publish")
    seconds = [sum(row.get(f"seconds/{phase}", 0.0) for phase in phases) for row in updates]
    published = [row.get("seconds/publish", 0.0) for row in updates]
    return {
        "executor": name,
        "seconds": round(median(seconds), 3),
        "least": round(min(seconds), 3),
        "greatest": round(max(seconds), 3),
        "tokens": round(median(row["tokens"] for row in updates)),
        "publish": round(median(published), 4),
    }


def table(rows: list[dict[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| executor | seconds per update [least, greatest] | of `local`'s | publishing |",
        "| --- | --- | --- | --- |",
    ]
    lines += [
        f"| {row['executor']} | {row['seconds']:.2f} [{row['least']:.2f}, {row['greatest']:.2f}] "
        f"| {row['of local']:.2f} | {row['publish'] / row['seconds']:.1%} |"
        for row in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
