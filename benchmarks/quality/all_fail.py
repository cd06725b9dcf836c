"""Groups in which every rollout fails: does the gain's gradient point anywhere useful there?

    python -m benchmarks.quality.all_fail --output benchmarks/quality/results/all_fail.json

Trajectory-level credit is silent on such groups, the gain is not: that is algebra. Two questions
beyond it, per seed. *Direction*: on groups of the starting policy in which no rollout answers
rightly, the cosine of the whole gradient with that of the oracle (credit for searches that brought
a needed document, in the same form), for `ig_search`, for the same gains permuted over the batch
and for one constant on every search, which measures nothing. *Use*: dev EM after updates on such
groups only, with nothing else in the loss (no KL, entropy or format term) and no weight decay;
everything else is the recipe `tiny-atlas`. Methods train on equally many groups for equally many
updates; how many rollouts it took to find them is in each row. A seed and method that is there is
not repeated. Intervals are Student's t over seeds.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.machine import machine
from igs_agent.config import OptimConfig, TrainConfig
from igs_agent.config_file import load_config
from igs_agent.credit import make_estimator, signals_of
from igs_agent.evaluation import evaluate
from igs_agent.gains import measure_gains
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import Policy, load_policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.run import subset
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import step_table, token_batch
from igs_agent.statistics import seed_interval
from igs_agent.trajectory import Trajectory
from igs_agent.update import update_policy
from igs_env.counterfactual import OtherQuestionsSampler
from igs_env.task import Task, make_task

METHODS = ("grpo", "ig_search", "placebo", "every_search", "oracle")
RECIPE = "tiny-atlas"
MOST_PARTS = 50
"""Batches of questions that are played to find an update's groups before it goes without."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One seed and method."""

    seed: int
    method: str
    gradient_norm: float
    """On the starting policy's all-fail groups, in fp32."""
    cosine_with_oracle: float | None
    """None where either gradient is 0."""
    rollouts_trained: int
    """In all-fail groups, over all updates."""
    rollouts_played: int
    """Until those were found."""
    em_before: float
    em_after: float
    recall_before: float
    recall_after: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--groups", type=int, default=4, help="all-fail groups per update")
    parser.add_argument("--direction", type=int, default=8, help="groups for the cosine")
    parser.add_argument("--questions", type=int, default=200, help="dev questions")
    parser.add_argument("--folder", type=Path, default=Path("runs/all-fail"))
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    names = ("updates", "groups", "direction", "questions")
    settings = {name: getattr(args, name) for name in names}
    for seed in args.seeds:
        missing = [name for name in METHODS if not (args.folder / f"{name}-{seed}.json").exists()]
        for row in study(load_config(RECIPE), seed, missing, **settings):
            _keep(args.folder, row, settings)
    rows = [_kept(args.folder, name, seed, settings) for seed in args.seeds for name in METHODS]
    print(table(rows))
    if args.output:
        record: dict[str, Any] = {"machine": machine(), "command": sys.argv[1:]}
        record |= {"recipe": RECIPE, "settings": settings, "rows": [asdict(row) for row in rows]}
        args.output.write_text(json.dumps(record, indent=1) + "\n")


def study(
    config: TrainConfig,
    seed: int,
    methods: Sequence[str],
    *,
    updates: int,
    groups: int,
    direction: int,
    questions: int,
) -> Iterator[Row]:
    """One row per method; all see the same first groups."""
    if not methods:
        return
    start = load_policy(config.policy.path, device="cpu")
    train, dev = (
        make_task(**{**dict(config.env), "split": split, "sampler": "none"})
        for split in ("train", "dev")
    )
    judge = _judge(config, dev, questions)
    before = judge(start)
    first = _with_gains(start, silent(config, start, train, [seed], direction)[0])
    gradients = {name: gradient(config, start, first, name) for name in METHODS}
    for name in methods:
        policy, trained, played = _trained(config, start, train, name, seed, updates, groups)
        after = judge(policy) if trained else before
        yield Row(
            seed=seed,
            method=name,
            gradient_norm=float(gradients[name].norm()),
            cosine_with_oracle=_cosine(gradients[name], gradients["oracle"]),
            rollouts_trained=trained,
            rollouts_played=played,
            em_before=before[0],
            em_after=after[0],
            recall_before=before[1],
            recall_after=after[1],
        )


def silent(
    config: TrainConfig, policy: Policy, task: Task, seed: Sequence[int], groups: int
) -> tuple[list[Trajectory], int]:
    """(rollouts of the first groups in which all rewards are 0, rollouts played to find them).

    The questions are a seeded stream, the same for every policy.
    """
    found: list[Trajectory] = []
    settings, wanted = config.rollout, groups * config.rollout.group_size
    sampling = Sampling(temperature=settings.temperature, max_tokens=settings.max_tokens)
    total = 0
    for part in range(MOST_PARTS):
        random = np.random.default_rng([*seed, part])
        chosen = random.permutation(len(task.questions))[:groups]
        plan = RolloutPlan(
            questions=[task.questions[int(i)] for i in chosen],
            group_size=settings.group_size,
            seed=int(random.integers(2**31)),
        )
        played = rollout(task.rules, policy, NativeGenerator(policy), plan, sampling)
        total += len(played)
        for at in range(0, len(played), settings.group_size):
            group = played[at : at + settings.group_size]
            if not any(trajectory.reward for trajectory in group):
                found += group
        if len(found) >= wanted:
            break
    return found[:wanted], total


def gradient(
    config: TrainConfig, policy: Policy, played: Sequence[Trajectory], method: str
) -> torch.Tensor:
    """The flat gradient of one update's loss, in float64 from a backward pass in fp32."""
    kept = _KeepGradient(policy.model.parameters())
    exact = OptimConfig(max_grad_norm=math.inf, batch_tokens=config.optim.batch_tokens)
    _update(replace(config, optim=exact), policy, kept, played, method)
    return kept.gradient


class _KeepGradient(torch.optim.Optimizer):
    """Takes no step and keeps the gradient instead."""

    def __init__(self, parameters: Iterator[torch.nn.Parameter]) -> None:
        super().__init__(parameters, {})
        self.gradient = torch.zeros(0)

    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        found = [p for group in self.param_groups for p in group["params"]]
        parts = [torch.zeros_like(p) if p.grad is None else p.grad for p in found]
        self.gradient = torch.cat([part.flatten().double() for part in parts])


def _trained(
    config: TrainConfig,
    start: Policy,
    task: Task,
    method: str,
    seed: int,
    updates: int,
    groups: int,
) -> tuple[Policy, int, int]:
    """(the policy after updates on all-fail groups, rollouts in them, rollouts played)."""
    policy = replace(start, model=copy.deepcopy(start.model))
    if method == "grpo":  # its gradient is exactly 0 here: nothing can change
        return policy, 0, 0
    optimizer = torch.optim.AdamW(
        policy.model.parameters(), betas=config.optim.betas, weight_decay=0.0
    )
    trained = total = 0
    for number in range(updates):
        for group in optimizer.param_groups:
            group["lr"] = config.optim.learning_rate_at(number, updates)
        found, played = silent(config, policy, task, [seed, number], groups)
        if "gain" in signals_of(make_estimator(method)):
            found = _with_gains(policy, found, autocast=config.optim.autocast)
        _update(config, policy, optimizer, found, method)
        trained, total = trained + len(found), total + played
    return policy, trained, total


def _with_gains(
    policy: Policy, played: Sequence[Trajectory], *, autocast: bool = False
) -> list[Trajectory]:
    scorer = PolicyScorer(policy, played, autocast=autocast)
    return measure_gains(played, scorer, OtherQuestionsSampler(), draws=3)


def _update(
    config: TrainConfig,
    policy: Policy,
    optimizer: torch.optim.Optimizer,
    played: Sequence[Trajectory],
    method: str,
) -> None:
    found = step_table(played)
    update_policy(
        policy,
        optimizer,
        token_batch(played, found, make_estimator(method)(found)),
        config.loss,
        config.optim,
        temperature=config.rollout.temperature,
        groups=found.group.tolist(),
    )


def _judge(
    config: TrainConfig, dev: Task, questions: int
) -> Callable[[Policy], tuple[float, float]]:
    """(EM, recall of gold documents) of a policy on the same dev questions, greedily."""
    asked = subset(dev.questions, questions)

    def judge(policy: Policy) -> tuple[float, float]:
        result = evaluate(
            dev.rules, policy, NativeGenerator(policy), asked, max_tokens=config.rollout.max_tokens
        )
        return result.mean("exact_match"), result.mean("recall")

    return judge


def _cosine(one: torch.Tensor, other: torch.Tensor) -> float | None:
    norms = float(one.norm() * other.norm())
    return float(one @ other) / norms if norms else None


def _keep(folder: Path, row: Row, settings: dict[str, int]) -> None:
    print(row, flush=True)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{row.method}-{row.seed}.json"
    path.with_suffix(".partial").write_text(json.dumps({"settings": settings, "row": asdict(row)}))
    path.with_suffix(".partial").rename(path)


def _kept(folder: Path, method: str, seed: int, settings: dict[str, int]) -> Row:
    path = folder / f"{method}-{seed}.json"
    found = json.loads(path.read_text())
    if found["settings"] != settings:
        raise SystemExit(f"{path} was measured with {found['settings']}, not {settings}: delete it")
    return Row(**found["row"])


def table(rows: Sequence[Row]) -> str:
    """One line per method, and what tells information from a mere push: the paired difference."""
    lines = [
        "| credit | gradient norm | cosine with the oracle's | dev EM, rise | recall, rise |",
        "| --- | --- | --- | --- | --- |",
    ]
    by_method = {name: [row for row in rows if row.method == name] for name in METHODS}
    for name, own in by_method.items():
        norm = np.mean([row.gradient_norm for row in own])
        lines.append(f"| {name} | {norm:.3g} | {' | '.join(map(_interval, _columns(own)))} |")
    for control in ("placebo", "every_search"):
        pairs = zip(_columns(by_method["ig_search"]), _columns(by_method[control]), strict=True)
        differences = [[a - b for a, b in zip(*pair, strict=True)] for pair in pairs]
        lines.append(f"| ig_search − {control} | | {' | '.join(map(_interval, differences))} |")
    return "\n".join(lines)


def _columns(rows: Sequence[Row]) -> list[list[float]]:
    """Cosine, rise of EM and rise of recall, each over seeds."""
    return [
        [row.cosine_with_oracle for row in rows if row.cosine_with_oracle is not None],
        [row.em_after - row.em_before for row in rows],
        [row.recall_after - row.recall_before for row in rows],
    ]


def _interval(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:+.3f}" if values else "–"
    found = seed_interval(values)
    return f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


if __name__ == "__main__":
    main()
