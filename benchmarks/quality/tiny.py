"""Does `tiny` learn to search, with `ig_search` and with `grpo` at equal budget?

    python -m benchmarks.quality.tiny --output benchmarks/quality/results/tiny.json

Every run is `igs train --config tiny-atlas` with another seed or credit. Before and after, the
policy answers the same dev questions, once with the documents that its queries find (the run's own
evaluations) and once with those of another question's query (shuffled): what it then still answers,
it did not get by searching. Two runs at a time, one thread each; a run that is there is not
repeated, and one that was interrupted goes on. Intervals are Student's t over seeds.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import machine
from igs_agent.checkpoint import newest_checkpoint
from igs_agent.config import TrainConfig
from igs_agent.config_file import load_config
from igs_agent.evaluation import Evaluation, evaluate, read_evaluation
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import load_policy
from igs_agent.run import subset
from igs_agent.shuffled_retriever import ShuffledRetriever, queries_of
from igs_agent.statistics import Interval, seed_interval
from igs_agent.tracking import read_jsonl
from igs_env.task import Task, make_task

METHODS = ("ig_search", "grpo")
RECIPE = "tiny-atlas"
_PLAYED: dict[tuple[Any, ...], Evaluation] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run, before and after. EM and recall are means over the same dev questions."""

    method: str
    seed: int
    updates: int
    questions: int
    em_before: float
    em_after: float
    recall_before: float
    recall_after: float
    shuffled_em_before: float
    shuffled_em_after: float
    em_curve: list[tuple[int, float]]
    minutes: float
    """Training alone, as the run's own timings add up."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--methods", nargs="+", default=list(METHODS))
    parser.add_argument("--folder", type=Path, default=Path("runs/tiny-benchmark"))
    parser.add_argument("--output", type=Path)
    parser.add_argument("settings", nargs="*", metavar="KEY=VALUE", help="over the recipe's")
    args = parser.parse_args()
    outcomes = run_all(args.folder, args.methods, args.seeds, args.settings)
    print(table(outcomes))
    if args.output:
        record = {"machine": machine(), "command": sys.argv[1:], "recipe": RECIPE}
        rows = [asdict(outcome) for outcome in outcomes]
        args.output.write_text(json.dumps({**record, "rows": rows}, indent=1) + "\n")


def run_all(
    folder: Path, methods: Sequence[str], seeds: Sequence[int], settings: Sequence[str] = ()
) -> list[Outcome]:
    """Train and judge every method with every seed."""
    jobs = [(method, seed) for seed in seeds for method in methods]
    with ThreadPoolExecutor(max_workers=2) as pool:
        list(pool.map(lambda job: train_one(folder, job[0], job[1], settings), jobs))
    return [judge(folder, method, seed) for method, seed in jobs]


def run_folder(folder: Path, method: str, seed: int) -> Path:
    return folder / f"{method}-{seed}"


def train_one(folder: Path, method: str, seed: int, settings: Sequence[str]) -> None:
    """`igs train` in a process of its own, on one thread; what it printed is in train.log."""
    run = run_folder(folder, method, seed)
    if (run / "done").exists():
        return
    run.parent.mkdir(parents=True, exist_ok=True)
    resume = ["--resume"] if (run / "config.toml").exists() else []
    command = [sys.executable, "-m", "igs_agent.cli", "train", "--config", RECIPE, *resume]
    overrides = [f"run={run}", f"seed={seed}", f"credit={method}", *settings]
    with (folder / f"{run.name}.log").open("a") as log:
        subprocess.run(
            [*command, *overrides],
            check=True,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    (run / "done").touch()


def judge(folder: Path, method: str, seed: int) -> Outcome:
    """What a finished run shows."""
    run = run_folder(folder, method, seed)
    config = load_config(run / "config.toml")
    newest = newest_checkpoint(run / "checkpoints")
    assert newest is not None
    before, after = (
        read_evaluation(run / "dev" / f"update-{update:06d}.jsonl")
        for update in (0, config.updates)
    )
    lost = [play(config, str(path), shuffled=True) for path in (config.policy.path, newest)]
    rows = list(read_jsonl(run / "metrics.jsonl"))
    timings = list(read_jsonl(run / "timings.jsonl"))
    return Outcome(
        method=method,
        seed=seed,
        updates=config.updates,
        questions=len(before.rows),
        em_before=before.mean("exact_match"),
        em_after=after.mean("exact_match"),
        recall_before=before.mean("recall"),
        recall_after=after.mean("recall"),
        shuffled_em_before=lost[0].mean("exact_match"),
        shuffled_em_after=lost[1].mean("exact_match"),
        em_curve=[(r["update"], r["eval/exact_match"]) for r in rows if "eval/exact_match" in r],
        minutes=_training_seconds(timings) / 60,
    )


def play(config: TrainConfig, policy_path: str, *, shuffled: bool = False) -> Evaluation:
    """The run's dev questions, greedily."""
    key = (
        json.dumps(dict(config.env), sort_keys=True),
        config.evaluation.questions,
        config.rollout.max_tokens,
        policy_path,
        shuffled,
    )
    if key not in _PLAYED:  # all runs start from one policy, which needs to play once
        _PLAYED[key] = _played(config, policy_path, shuffled=shuffled)
    return _PLAYED[key]


def _played(config: TrainConfig, policy_path: str, *, shuffled: bool) -> Evaluation:
    policy = load_policy(policy_path, template=config.policy.template)
    task = make_task(**{**dict(config.env), "split": "dev", "sampler": "none"})
    rules = _shuffled(task) if shuffled else task.rules
    return evaluate(
        rules,
        policy,
        NativeGenerator(policy),
        subset(task.questions, config.evaluation.questions),
        max_tokens=config.rollout.max_tokens,
    )


def table(outcomes: Sequence[Outcome]) -> str:
    """Rises per method, mean over seeds."""
    lines = [
        "| credit | seeds | dev EM before | after | rise | recall rise | shuffled EM rise | min |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for method in dict.fromkeys(outcome.method for outcome in outcomes):
        rows = [outcome for outcome in outcomes if outcome.method == method]
        rises = [
            [getattr(row, f"{name}_after") - getattr(row, f"{name}_before") for row in rows]
            for name in ("em", "recall", "shuffled_em")
        ]
        cells = [
            method,
            len(rows),
            f"{_mean(row.em_before for row in rows):.3f}",
            f"{_mean(row.em_after for row in rows):.3f}",
            *map(_signed, rises),
            f"{_mean(row.minutes for row in rows):.1f}",
        ]
        lines.append(f"| {' | '.join(map(str, cells))} |")
    return "\n".join(lines)


def _shuffled(task: Task) -> Any:
    from dataclasses import replace

    retriever = ShuffledRetriever(task.rules.retriever, queries_of(task.questions))
    return replace(task.rules, retriever=retriever)


def _signed(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:+.3f}"
    interval: Interval = seed_interval(values)
    return f"{interval.mean:+.3f} [{interval.low:+.3f}, {interval.high:+.3f}]"


def _mean(values: Iterable[float]) -> float:
    found = list(values)
    return sum(found) / len(found)


def _training_seconds(rows: Sequence[Mapping[str, Any]]) -> float:
    phases = ("rollout", "gain", "update")
    return sum(float(row.get(f"seconds/{phase}", 0.0)) for row in rows for phase in phases)


if __name__ == "__main__":
    main()
