"""Step-level against trajectory-level credit: one harness in which only the estimator changes.

    python -m benchmarks.quality.credit                      # everything that is not there yet
    python -m benchmarks.quality.credit --methods grpo ig_search --regimes two-hops --seeds 0 1
    python -m benchmarks.quality.credit --methods mine:estimate        # an estimator of your own
    python -m benchmarks.quality.credit --table               # from the rows that are there

Rollouts, masks, reward, loss, optimiser, questions and their order are the same for every method
and follow from the seed. A row is written when its run ends; a run that was interrupted goes on,
one that is there is not repeated. Two runs at a time, one thread each. The protocol that was
declared beforehand, and what the figures show and do not show: docs/credit-benchmark.md.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from benchmarks.quality.micro import FOLDER, REGIMES, make_policy, run_config
from igs_agent.checkpoint import newest_checkpoint
from igs_agent.config_file import load_config
from igs_agent.evaluation import Evaluation, evaluate
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import load_policy
from igs_agent.statistics import seed_interval
from igs_agent.tracking import read_jsonl
from igs_agent.trainer import train
from igs_env.task import make_task

METHODS = (
    "grpo",
    "dr_grpo",
    "gigpo",
    "igpo",
    "ig_search",
    "oracle",
    "placebo",
    "query_only",
)
UPDATES = 40
TEST_QUESTIONS = 300
OUTPUT = Path("benchmarks/quality/results/credit.json")
_LOCK = threading.Lock()


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One run."""

    regime: str
    method: str
    settings: list[str]
    """Overrides, such as an estimator's options."""
    seed: int
    updates: int
    curve: list[tuple[int, float]]
    """(updates, dev EM)."""
    test_em: float
    test_em_by_hops: dict[str, float]
    test_recall: float
    test_searches: float
    query_length: float
    """Mean over the last ten updates, in tokens."""
    tokens: float
    """Through the model in training: rollouts, gain, update."""
    gain_share: float
    """Part of these that measured the signal."""
    seconds: float
    """Of training, evaluation excluded."""

    @property
    def area(self) -> float:
        """Mean of the curve: dev EM averaged over training."""
        return float(np.mean([em for _, em in self.curve]))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--regimes", nargs="+", default=list(REGIMES), choices=list(REGIMES))
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--updates", type=int, default=UPDATES)
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE", dest="settings")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--output", type=Path, default=OUTPUT)
    parser.add_argument("--table", action="store_true", help="only show what is there")
    parser.add_argument("--one", nargs=3, metavar=("REGIME", "METHOD", "SEED"), help="internal")
    args = parser.parse_args()
    if args.one:
        print(json.dumps(asdict(run_one(*args.one[:2], int(args.one[2]), args))))
        return
    if not args.table:
        for regime in args.regimes:
            make_policy(regime)
        jobs = [
            (regime, method, seed)
            for seed in args.seeds
            for regime in args.regimes
            for method in args.methods
        ]
        with ThreadPoolExecutor(max_workers=args.workers) as pool:
            list(pool.map(lambda job: _in_a_process(job, args), jobs))
    print(table(read_rows(args.output)))


def read_rows(path: Path) -> list[Row]:
    """The rows of a results file; none where there is no file."""
    if not path.exists():
        return []
    rows = json.loads(path.read_text())["rows"]
    return [Row(**{**row, "curve": [tuple(point) for point in row["curve"]]}) for row in rows]


def run_one(regime: str, method: str, seed: int, args: argparse.Namespace) -> Row:
    """Train, and judge what came out on the test questions."""
    run = FOLDER / "runs" / "-".join([regime, method.replace(":", "."), *args.settings, str(seed)])
    config = run_config(regime, method, seed, args.updates, f"run={run}", *args.settings)
    sys.path.append(os.getcwd())
    train(config, resume=(run / "config.toml").exists(), report=None)
    test = _tested(run)
    metrics = [row for row in read_jsonl(run / "metrics.jsonl") if "update/loss" in row]
    judged = [row for row in read_jsonl(run / "metrics.jsonl") if "eval/exact_match" in row]
    timings = list(read_jsonl(run / "timings.jsonl"))
    spent = {
        name: sum(row[name] for row in metrics)
        for name in ("rollout/tokens", "gain/forward_tokens", "update/forward_tokens")
    }
    lengths = [row["query/length"] for row in metrics[-10:] if "query/length" in row]
    return Row(
        regime=regime,
        method=method,
        settings=list(args.settings),
        seed=seed,
        updates=args.updates,
        curve=[(row["update"], row["eval/exact_match"]) for row in judged],
        test_em=test.mean("exact_match"),
        test_em_by_hops={
            hops: part.mean("exact_match")
            for hops, part in test.by(lambda row: str(row.hops)).items()
        },
        test_recall=test.mean("recall"),
        test_searches=test.mean("searches"),
        query_length=float(np.mean(lengths)) if lengths else 0.0,
        tokens=sum(spent.values()),
        gain_share=spent["gain/forward_tokens"] / sum(spent.values()),
        seconds=sum(
            row.get(f"seconds/{phase}", 0.0)
            for row in timings
            for phase in ("rollout", "gain", "update")
        ),
    )


def _tested(run: Path) -> Evaluation:
    config = load_config(run / "config.toml")
    newest = newest_checkpoint(run / "checkpoints")
    assert newest is not None
    policy = load_policy(newest)
    task = make_task(**{**dict(config.env), "split": "test", "sampler": "none"})
    return evaluate(
        task.rules,
        policy,
        NativeGenerator(policy),
        task.questions[:TEST_QUESTIONS],
        max_tokens=config.rollout.max_tokens,
    )


def _in_a_process(job: tuple[str, str, int], args: argparse.Namespace) -> None:
    regime, method, seed = job
    with _LOCK:
        known = {(r.regime, r.method, r.seed, tuple(r.settings)) for r in read_rows(args.output)}
    if (regime, method, seed, tuple(args.settings)) in known:
        return
    command = [
        sys.executable,
        "-m",
        "benchmarks.quality.credit",
        "--one",
        regime,
        method,
        str(seed),
    ]
    command += ["--updates", str(args.updates), "--set", *args.settings]
    done = subprocess.run(
        command,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    if done.returncode:
        print(f"{regime} {method} {seed} failed:\n{done.stderr}", file=sys.stderr)
        return
    row = Row(**json.loads(done.stdout.splitlines()[-1]))
    with _LOCK:
        rows = [*read_rows(args.output), row]
        record = {"machine": machine(), "rows": [asdict(r) for r in rows]}
        args.output.parent.mkdir(parents=True, exist_ok=True)
        partial = args.output.with_suffix(".partial")
        partial.write_text(json.dumps(record, indent=1) + "\n")
        partial.replace(args.output)
    print(
        f"{regime} {method} seed {seed}: test EM {row.test_em:.3f}, area {row.area:.3f}, "
        f"{row.seconds:.0f} s",
        flush=True,
    )


def table(rows: Sequence[Row]) -> str:
    """Per regime and method: mean and t interval over seeds, and the difference from grpo's."""
    lines = []
    for regime in dict.fromkeys(row.regime for row in rows):
        lines += [
            f"\n{regime}",
            "| method | seeds | test EM | area under dev curve | test EM − grpo, paired | signal |",
            "| --- | --- | --- | --- | --- | --- |",
        ]
        own = [replace(row, method=_name(row)) for row in rows if row.regime == regime]
        base = {row.seed: row.test_em for row in own if row.method == "grpo"}
        for method in dict.fromkeys(row.method for row in own):
            found = [row for row in own if row.method == method]
            paired = [row.test_em - base[row.seed] for row in found if row.seed in base]
            cells = [
                method,
                str(len(found)),
                _interval([row.test_em for row in found]),
                _interval([row.area for row in found]),
                "–" if method == "grpo" else _interval(paired),
                f"{np.mean([row.gain_share for row in found]):.0%}",
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def _name(row: Row) -> str:
    return " ".join([row.method, *row.settings])


def _interval(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:.3f}" if values else "–"
    found = seed_interval(values)
    return f"{found.mean:.3f} [{found.low:.3f}, {found.high:.3f}]"


if __name__ == "__main__":
    main()
