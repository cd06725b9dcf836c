"""Groups in which every rollout fails: does the gain's gradient point anywhere useful there?

    python -m benchmarks.quality.all_fail --output benchmarks/quality/results/all_fail.json

Trajectory-level credit is silent on such groups, the gain is not: that is algebra. Two questions
beyond it, per seed. *Direction*: on groups of the starting policy in which no rollout answers
rightly, the cosine of the whole gradient with that of the oracle (credit for searches that brought
a needed document, in the same form), for `ig_search` and for the same gains permuted over the
batch. *Use*: dev EM after updates on such groups only, with nothing else in the loss (no KL,
entropy or format term). Intervals are Student's t over seeds.
"""

from __future__ import annotations

import argparse
import copy
import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import machine
from igs_agent.config import LossConfig, OptimConfig, TrainConfig
from igs_agent.config_file import load_config
from igs_agent.credit import make_estimator
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

METHODS = ("grpo", "ig_search", "placebo", "oracle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One seed and method."""

    seed: int
    method: str
    gradient_norm: float
    """On the starting policy's all-fail groups."""
    cosine_with_oracle: float | None
    """None where either gradient is 0."""
    em_before: float
    em_after: float
    recall_before: float
    recall_after: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--updates", type=int, default=20)
    parser.add_argument("--groups", type=int, default=8, help="all-fail groups per update")
    parser.add_argument("--questions", type=int, default=300, help="dev questions")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    config = load_config("tiny-atlas")
    rows: list[Row] = []
    for seed in args.seeds:
        for row in study(config, seed, args.updates, args.groups, args.questions):
            print(row, flush=True)
            rows.append(row)
            _write(args, rows)
    print(table(rows))


def study(
    config: TrainConfig, seed: int, updates: int, groups: int, questions: int
) -> Iterator[Row]:
    """One row per method; all see the same first groups."""
    start = load_policy(config.policy.path)
    train, dev = (
        make_task(**{**dict(config.env), "split": split, "sampler": "none"})
        for split in ("train", "dev")
    )
    asked = subset(dev.questions, questions)

    def judge(policy: Policy) -> tuple[float, float]:
        result = evaluate(
            dev.rules, policy, NativeGenerator(policy), asked, max_tokens=config.rollout.max_tokens
        )
        return result.mean("exact_match"), result.mean("recall")

    before = judge(start)
    first = silent(config, start, train, seed, 0, groups)
    gradients = {method: gradient(start, first, method) for method in METHODS}
    for method in METHODS:
        own = gradients[method]
        policy = replace(start, model=copy.deepcopy(start.model))
        optimizer = torch.optim.AdamW(
            policy.model.parameters(), lr=config.optim.learning_rate, weight_decay=0.0
        )
        for number in range(updates):
            if method != "grpo":  # its gradient is exactly 0 here: nothing can change
                played = silent(config, policy, train, seed, number, groups)
                _update(policy, optimizer, played, method)
        after = before if method == "grpo" else judge(policy)
        yield Row(
            seed=seed,
            method=method,
            gradient_norm=float(own.norm()),
            cosine_with_oracle=_cosine(own, gradients["oracle"]),
            em_before=before[0],
            em_after=after[0],
            recall_before=before[1],
            recall_after=after[1],
        )


def silent(
    config: TrainConfig, policy: Policy, task: Task, seed: int, number: int, groups: int
) -> list[Trajectory]:
    """Rollouts of the first groups of a seeded stream of questions in which all rewards are 0."""
    found: list[Trajectory] = []
    settings = config.rollout
    for part in range(50):
        random = np.random.default_rng([seed, number, part])
        chosen = random.permutation(len(task.questions))[: 2 * groups]
        plan = RolloutPlan(
            questions=[task.questions[int(i)] for i in chosen],
            group_size=settings.group_size,
            seed=int(random.integers(2**31)),
        )
        sampling = Sampling(temperature=settings.temperature, max_tokens=settings.max_tokens)
        played = rollout(task.rules, policy, NativeGenerator(policy), plan, sampling)
        for at in range(0, len(played), settings.group_size):
            group = played[at : at + settings.group_size]
            if not any(trajectory.reward for trajectory in group):
                found += group
        if len(found) >= groups * settings.group_size:
            break
    found = found[: groups * settings.group_size]
    scorer = PolicyScorer(policy, found)
    return measure_gains(found, scorer, OtherQuestionsSampler(), draws=3)


def gradient(policy: Policy, played: Sequence[Trajectory], method: str) -> torch.Tensor:
    """The flat gradient of one update's loss, in float64."""
    before = [parameter.detach().clone() for parameter in policy.model.parameters()]
    optimizer = torch.optim.SGD(policy.model.parameters(), lr=1.0)
    _update(policy, optimizer, played, method)
    with torch.no_grad():
        moved = [b.double() - p.double() for b, p in zip(before, policy.model.parameters())]  # noqa: B905
        for parameter, old in zip(policy.model.parameters(), before, strict=True):
            parameter.copy_(old)
    return torch.cat([part.flatten() for part in moved])


def _update(
    policy: Policy, optimizer: torch.optim.Optimizer, played: Sequence[Trajectory], method: str
) -> None:
    found = step_table(played)
    batch = token_batch(played, found, make_estimator(method)(found))
    update_policy(
        policy,
        optimizer,
        batch,
        LossConfig(),
        OptimConfig(max_grad_norm=1e9 if isinstance(optimizer, torch.optim.SGD) else 1.0),
        temperature=1.0,
        groups=found.group.tolist(),
    )


def _cosine(one: torch.Tensor, other: torch.Tensor) -> float | None:
    norms = float(one.norm() * other.norm())
    return float(one @ other) / norms if norms else None


def table(rows: Sequence[Row]) -> str:
    lines = [
        "| credit | gradient norm | cosine with the oracle's | dev EM, rise | recall, rise |",
        "| --- | --- | --- | --- | --- |",
    ]
    for method in METHODS:
        own = [row for row in rows if row.method == method]
        cosines = [row.cosine_with_oracle for row in own if row.cosine_with_oracle is not None]
        lines.append(
            f"| {method} | {np.mean([row.gradient_norm for row in own]):.3g} "
            f"| {_interval(cosines)} | {_interval([r.em_after - r.em_before for r in own])} "
            f"| {_interval([r.recall_after - r.recall_before for r in own])} |"
        )
    return "\n".join(lines)


def _interval(values: Sequence[float]) -> str:
    if len(values) < 2:
        return f"{values[0]:+.3f}" if values else "–"
    found = seed_interval(values)
    return f"{found.mean:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def _write(args: argparse.Namespace, rows: Sequence[Row]) -> None:
    if args.output:
        settings = {k: v for k, v in vars(args).items() if k != "output"}
        record = {"machine": machine(), "settings": settings, "rows": [asdict(r) for r in rows]}
        args.output.write_text(json.dumps(record, indent=1) + "\n")


if __name__ == "__main__":
    main()
