"""How long a report of many seeds takes.

    python -m benchmarks.speed.report runs/tiny-atlas runs/tiny-grpo --seeds 10 \
        --output benchmarks/speed/results/report.json

Each run is taken as so many runs that differ in the seed: the same files, read as often. Times are
of one process on one core: the processor's, since a shared machine's clock says nothing.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.machine import machine
from igs_agent.reporting import make_report


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        folders = [
            other_seed(run, Path(place) / f"{run.name}-{seed}", seed)
            for run in args.runs
            for seed in range(args.seeds)
        ]
        found = measured(folders)
    print(json.dumps(found, indent=1))
    if args.output:
        runs = " ".join(map(str, args.runs))
        command = f"python -m benchmarks.speed.report {runs} --seeds {args.seeds}"
        whole = {"command": f"{command} --output {args.output}", **found, "machine": machine()}
        args.output.write_text(json.dumps(whole, indent=1) + "\n")


def other_seed(run: Path, folder: Path, seed: int) -> Path:
    """A folder with the run's files and another seed in its settings."""
    folder.mkdir()
    for name in ("metrics.jsonl", "timings.jsonl", "episodes.jsonl", "dev"):
        (folder / name).symlink_to((run / name).resolve())
    settings = (run / "config.toml").read_text(encoding="utf-8")
    settings = re.sub(r"^seed = \d+$", f"seed = {seed}", settings, flags=re.MULTILINE)
    (folder / "config.toml").write_text(settings, encoding="utf-8")
    return folder


def measured(folders: Sequence[Path]) -> dict[str, object]:
    """Times of a report on these folders, and what went in and came out."""
    wall, processor = time.perf_counter(), time.process_time()
    page = make_report(folders).html()
    return {
        "runs": len(folders),
        "episodes_megabytes": sum((f / "episodes.jsonl").stat().st_size for f in folders) / 1e6,
        "processor_seconds": round(time.process_time() - processor, 2),
        "wall_seconds": round(time.perf_counter() - wall, 2),
        "page_megabytes": len(page.encode()) / 1e6,
    }


if __name__ == "__main__":
    main()
