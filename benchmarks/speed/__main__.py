"""All ratios that are measured against peers, into `results.json`, row by row.

    python -m benchmarks.speed --rounds 2 --scale 4 --output runs/speed.json

Ratios 3, 8 and 9 have scripts and results of their own: `gain_cost.py`, `environment.py`,
`peers_environment.py`. Rows that the output file holds are not measured again, so that a run that
was interrupted goes on where it stopped.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from dataclasses import asdict
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from benchmarks.machine import machine
from benchmarks.speed import gain, rollout, step, update
from benchmarks.speed.ratio import Row

RESULTS = Path(__file__).parent / "results.json"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=3, help="of A B, after one untimed")
    parser.add_argument("--members", type=int, default=8, help="rollouts in ratio 5's group")
    parser.add_argument("--scale", type=int, default=1, help="divides ratio 5's lengths")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--output", type=Path, default=RESULTS)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    parts: dict[str, Callable[[], list[Row]]] = {
        "gain": partial(gain.rows, rounds=args.rounds),
        "rollout, short": partial(rollout.rows, rounds=args.rounds, cases=rollout.CASES[::2]),
        "update": partial(update.rows, rounds=args.rounds, members=args.members, scale=args.scale),
        "step": partial(step.rows, rounds=args.rounds),
        "rollout, long": partial(rollout.rows, rounds=args.rounds, cases=rollout.CASES[1:2]),
    }
    found = json.loads(args.output.read_text())["rows"] if args.output.exists() else []
    for name, rows in parts.items():
        if all(row["part"] != name for row in found):
            found += [{**asdict(row), "part": name} for row in rows()]
            found.sort(key=lambda row: int(row["ratio"]))
            _write(args.output, args.threads, found)


def _write(path: Path, threads: int, rows: list[dict[str, Any]]) -> None:
    record = {
        "machine": machine(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "trl": version("trl"),
        "command": ["python", "-m", "benchmarks.speed", *sys.argv[1:]],
        "threads": threads,
        "dtype": "float32",
        "rows": rows,
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
