"""One run of the credit benchmark: train, judge on test questions, keep one row."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import shutil
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.quality.credit_regimes import REGIMES
from benchmarks.quality.micro import FOLDER
from igs_agent.checkpoint import newest_checkpoint
from igs_agent.config import TrainConfig
from igs_agent.evaluation import Evaluation, evaluate
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import load_policy
from igs_agent.tracking import read_jsonl
from igs_agent.trainer import train
from igs_env.task import make_task

TEST_QUESTIONS = 300
LATE = 10
"""Updates at the end that habits are averaged over."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A run that is wanted."""

    regime: str
    method: str
    settings: tuple[str, ...]
    """Overrides of the method, such as an estimator's options."""
    seed: int
    updates: int

    @property
    def key(self) -> tuple[object, ...]:
        """Equal to that of its row."""
        return (self.regime, self.method, self.settings, self.seed, self.updates)

    @property
    def name(self) -> str:
        """Of its files; the same job has the same."""
        parts = [self.regime, self.method, *self.settings, f"u{self.updates}", f"s{self.seed}"]
        return "-".join(parts).replace(":", ".").replace("/", "_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """What a run achieved."""

    regime: str
    method: str
    settings: list[str]
    seed: int
    updates: int
    curve: list[tuple[int, float]]
    """(updates, dev EM)."""
    test_em: float
    test_em_by_hops: dict[str, float]
    test_recall: float
    test_searches: float
    query_length: float
    """Of the rollouts of the last updates, in tokens."""
    searches: float
    """Of the same rollouts, per episode."""
    all_fail_share: float
    """Rollouts in groups that all failed, over all updates."""
    tokens: float
    """Through the model in training: rollouts, signal, update."""
    gain_share: float
    """Part of these that measured the signal."""
    cpu_seconds: float
    """Process time of training, its evaluations included; those are alike for all methods."""
    seconds: float
    """Wall-clock time of rollouts, signal and updates."""
    source: str = ""
    """Digest of the file of an estimator of one's own; empty for ours."""

    @property
    def area(self) -> float:
        """Area under the dev curve by trapezia, over the number of updates."""
        updates, ems = zip(*self.curve, strict=True)
        return float(np.trapezoid(ems, updates) / (updates[-1] - updates[0]))

    @property
    def key(self) -> tuple[object, ...]:
        """Equal for rows of the same job."""
        return (self.regime, self.method, tuple(self.settings), self.seed, self.updates)


def is_own(method: str) -> bool:
    """Whether a method is `module:function`, somebody's own, and not one of ours."""
    return ":" in method and not method.startswith("benchmarks.")


def source_of(method: str) -> str:
    """Digest of the file that an estimator of one's own is in now; empty for ours, and where the
    file is not found."""
    if not is_own(method):
        return ""
    try:
        found = importlib.util.find_spec(method.partition(":")[0])
    except ModuleNotFoundError:
        return ""
    if found is None or found.origin is None or not Path(found.origin).is_file():
        return ""
    return hashlib.sha256(Path(found.origin).read_bytes()).hexdigest()[:12]


def row_of(record: dict[str, Any]) -> Row:
    """A row as it was written."""
    return Row(**{**record, "curve": [(int(u), float(em)) for u, em in record["curve"]]})


def run_job(job: Job) -> Row:
    """Train, judge, write the row's file and drop the run's folder.

    A run that was interrupted leaves no row and starts anew: it is short.
    """
    folder = FOLDER / "runs" / job.name
    shutil.rmtree(folder, ignore_errors=True)
    settings = (*job.settings, f"run={folder}")
    config = REGIMES[job.regime].config(job.method, job.seed, job.updates, *settings)
    began = time.process_time()
    result = train(config, report=None)
    if result.evaluated < job.updates:  # Ctrl-C ends training early and in good order
        raise KeyboardInterrupt
    spent = time.process_time() - began
    row = _row(job, folder, _tested(config, folder), spent)
    path = FOLDER / "rows" / f"{job.name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps(asdict(row)) + "\n")
    partial.replace(path)
    shutil.rmtree(folder)
    return row


def _tested(config: TrainConfig, folder: Path) -> Evaluation:
    newest = newest_checkpoint(folder / "checkpoints")
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


def _row(job: Job, folder: Path, test: Evaluation, cpu_seconds: float) -> Row:
    logged = list(read_jsonl(folder / "metrics.jsonl"))
    metrics = [row for row in logged if "update/loss" in row]
    timings = list(read_jsonl(folder / "timings.jsonl"))
    spent = {
        name: sum(row[name] for row in metrics)
        for name in ("rollout/tokens", "gain/forward_tokens", "update/forward_tokens")
    }
    return Row(
        regime=job.regime,
        method=job.method,
        settings=list(job.settings),
        seed=job.seed,
        updates=job.updates,
        curve=[
            (row["update"], row["eval/exact_match"]) for row in logged if "eval/exact_match" in row
        ],
        test_em=test.mean("exact_match"),
        test_em_by_hops={
            hops: part.mean("exact_match")
            for hops, part in test.by(lambda row: str(row.hops)).items()
        },
        test_recall=test.mean("recall"),
        test_searches=test.mean("searches"),
        query_length=_query_length(folder),
        searches=float(np.mean([row["rollout/searches"] for row in metrics[-LATE:]])),
        all_fail_share=float(np.mean([row["groups/all_fail_share"] for row in metrics])),
        tokens=sum(spent.values()),
        gain_share=spent["gain/forward_tokens"] / sum(spent.values()),
        cpu_seconds=cpu_seconds,
        seconds=sum(
            row.get(f"seconds/{phase}", 0.0)
            for row in timings
            for phase in ("rollout", "gain", "update")
        ),
        source=source_of(job.method),
    )


def _query_length(folder: Path) -> float:
    """Mean tokens of the queries of the last updates; 0 where nothing was searched."""
    episodes = list(read_jsonl(folder / "episodes.jsonl"))
    first = max(row["update"] for row in episodes) - LATE
    turns = [turn for row in episodes if row["update"] > first for turn in row["turns"]]
    lengths = [turn[4] - turn[3] for turn in turns if turn[4] > turn[3]]
    return float(np.mean(lengths)) if lengths else 0.0
