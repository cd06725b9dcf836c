"""Step-level against trajectory-level credit: one harness in which only the estimator changes.

    python -m benchmarks.quality.credit                      # everything that is not there yet
    python -m benchmarks.quality.credit --methods grpo ig_search --regimes two-hops --seeds 0 1
    python -m benchmarks.quality.credit --methods mine:estimate        # an estimator of your own
    python -m benchmarks.quality.credit_report               # tables and figures

Rollouts, masks, reward, loss, optimiser, questions and their order are the same for every method
and follow from the seed. A method's weight is tuned first (`credit_tuning.py`), without `--set`.
Rows are kept as runs end; what is there is not repeated, and a command that is started twice shares
the work. Rows of an estimator of one's own stay in `runs/micro/rows`, and are made anew when its
file has changed. Use one thread each (`OMP_NUM_THREADS=1`). The protocol that was declared
beforehand, and what the figures show and do not show: docs/credit-benchmark.md.
"""

from __future__ import annotations

import argparse
import fcntl
import json
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

from benchmarks.machine import machine
from benchmarks.quality.credit_regimes import REGIMES
from benchmarks.quality.credit_run import Job, Row, is_own, row_of, run_job, source_of
from benchmarks.quality.credit_tuning import TUNING_REGIME, TUNING_SEED, Tuning
from benchmarks.quality.micro import FOLDER
from igs_agent.config_limits import estimator_of
from igs_agent.credit import signals_of
from igs_env.errors import ConfigurationError

METHODS = (
    "grpo",
    "dr_grpo",
    "gigpo",
    "igpo",
    "ig_search",
    "oracle",
    "placebo",
    "query_only",
    "every_search",
    "document_value",
    "document_outcome",
    "document_belief",
)
"""Those that are declared to be judged."""
UPDATES = 30
OUTPUT = Path("benchmarks/quality/results/credit.json")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--regimes", nargs="+", default=list(REGIMES), choices=list(REGIMES))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="settings")
    parser.add_argument("--minutes", type=float, help="start no run after so many")
    parser.add_argument("--output", type=Path, default=OUTPUT)
    args = parser.parse_args()
    for method in args.methods:
        try:
            signals_of(estimator_of(method, {}))
        except (ConfigurationError, ValueError) as error:
            sys.exit(str(error))
    began = time.monotonic()
    for job in jobs(args, lambda: read_rows(args.output)):
        if args.minutes and time.monotonic() - began > 60 * args.minutes:
            print("out of time; the same command goes on")
            break
        run_unless_known(job, args.output)
    collect(args.output)


def jobs(args: argparse.Namespace, rows: Callable[[], Sequence[Row]]) -> Iterator[Job]:
    """What tuning still needs, then all methods of a seed before the next seed.

    Args:
        args: methods, regimes, seeds, updates, settings.
        rows: those that are there at the moment.
    """
    tuning = Tuning(rows=rows, updates=args.updates)
    for place, job in enumerate(tuning.jobs(args.methods)):
        if not place:
            print(
                f"tuning first, in {TUNING_REGIME} on seed {TUNING_SEED}: {job.name} and what "
                f"else is missing; it is done once",
                flush=True,
            )
        yield job
    chosen = {method: tuning.settings(method) for method in args.methods}
    for seed in args.seeds:
        for regime in args.regimes:
            for method in args.methods:
                yield Job(
                    regime=regime,
                    method=method,
                    settings=(*chosen[method], *args.settings),
                    seed=seed,
                    updates=args.updates,
                )


def run_unless_known(job: Job, output: Path) -> None:
    """Waits for another process that is at a run of tuning: what follows depends on it."""
    with _held(FOLDER / "locks" / job.name, wait=job.seed == TUNING_SEED) as held:
        if not held or job.key in {row.key for row in read_rows(output)}:
            return
        with _held(FOLDER / "locks" / "policies", wait=True):
            REGIMES[job.regime].prepare()
        row = run_job(job)
    collect(output)
    print(
        f"{job.name}: test EM {row.test_em:.3f}, area {row.area:.3f}, {row.cpu_seconds:.0f} s",
        flush=True,
    )


def read_rows(output: Path) -> list[Row]:
    """Rows of a results file and of runs that ended since; none where there are none.

    Without those of an estimator of one's own whose file has changed since (`stale_rows`).
    """
    return [row for row in _all_rows(output) if not _is_stale(row)]


def stale_rows(output: Path) -> list[Row]:
    """Rows of estimators of one's own whose files are no longer what they were."""
    return [row for row in _all_rows(output) if _is_stale(row)]


def collect(output: Path) -> None:
    """All rows in one file, with the machine; those of one's own only where it is not ours."""
    with _held(FOLDER / "locks" / "collect", wait=True):
        rows = sorted(read_rows(output), key=lambda row: str(row.key))
        if output == OUTPUT:
            rows = [row for row in rows if not is_own(row.method)]
        text = ",\n ".join(json.dumps(asdict(row)) for row in rows)
        output.parent.mkdir(parents=True, exist_ok=True)
        partial = output.with_suffix(".partial")
        partial.write_text(f'{{"machine": {json.dumps(machine())},\n"rows": [\n {text}\n]}}\n')
        partial.replace(output)


def _all_rows(output: Path) -> list[Row]:
    written = json.loads(output.read_text())["rows"] if output.exists() else []
    fresh = [json.loads(path.read_text()) for path in sorted((FOLDER / "rows").glob("*.json"))]
    return list({row.key: row for row in map(row_of, [*written, *fresh])}.values())


def _is_stale(row: Row) -> bool:
    return source_of(row.method) not in ("", row.source)


@contextmanager
def _held(path: Path, *, wait: bool = False) -> Iterator[bool]:
    """Whether the lock is ours; the system frees it when its process ends, however it ends."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        except BlockingIOError:
            yield False
            return
        yield True


if __name__ == "__main__":
    main()
