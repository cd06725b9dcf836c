"""How time and memory of an update's phases grow with what makes an update large.

    python -m benchmarks.speed.scaling --output benchmarks/speed/results/scaling.json \
        --plot docs/assets/scaling.svg

From one point (`BASE`) one quantity at a time is doubled, the others kept: turns, tokens of a
documents block, counterfactuals N, members of a group, groups, width of the model. Rollouts are
decoded greedily at forced lengths by the native generator; gain and update are of random rollouts
of those lengths, the gain over the keys and values that a rollout leaves. Each point is a forked
process, whose greatest resident memory beyond what it began with is reported. The exponent is the
slope of the least-squares line through the logarithms.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np
import torch

from benchmarks.machine import machine
from benchmarks.speed.gain import kept, score_requests
from benchmarks.speed.rollout import decode, endless
from benchmarks.speed.shapes import random_policy, rollouts
from benchmarks.speed.update import on_policy_backward, whole_batch
from igs_agent.policy import Policy
from igs_agent.scorer import PolicyScorer
from igs_agent.trajectory import Trajectory

PROMPT = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """What makes an update large."""

    turns: int = 3
    documents: int = 96
    """Tokens of a block, about."""
    counterfactuals: int = 2
    members: int = 4
    groups: int = 2
    width: int = 256
    """Of the model, whose parameters grow with its square."""
    output: int = 24
    """Tokens per turn."""


BASE = Point()
AXES: Mapping[str, tuple[int, ...]] = {
    "turns": (2, 3, 5, 9),
    "documents": (48, 96, 192, 384),
    "counterfactuals": (1, 2, 4, 8),
    "members": (2, 4, 8, 16),
    "groups": (1, 2, 4, 8),
    "width": (128, 256, 512),
}
PHASES = ("rollout", "gain", "update")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path)
    parser.add_argument("--plot", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    points = {BASE} | {
        replace(BASE, **{axis: value}) for axis, values in AXES.items() for value in values
    }
    # What is loaded once, in little memory: a fork would fill again what its parent had freed.
    measured(replace(BASE, turns=2, documents=48, members=1, groups=1))
    found = {point: in_a_fork(partial(measured, point)) for point in sorted(points, key=str)}
    curves = {
        axis: [{"at": v, **found[replace(BASE, **{axis: v})]} for v in values]
        for axis, values in AXES.items()
    }
    slopes = {
        axis: {name: _slope(curve, name) for name in (*PHASES, "megabytes")}
        for axis, curve in curves.items()
    }
    print(json.dumps(slopes, indent=1))
    if args.output:
        record = {"machine": machine(), "command": sys.argv[1:], "base": asdict(BASE)}
        record |= {"exponents": slopes, "curves": curves}
        args.output.write_text(json.dumps(record, indent=1) + "\n")
    if args.plot:
        _plot(curves, slopes, args.plot)


def measured(point: Point) -> dict[str, float]:
    """CPU seconds of the three phases, the lesser of two, and tokens through the model."""
    policy = random_policy(width=point.width)
    played = [
        trajectory
        for seed in range(point.groups)
        for trajectory in rollouts(
            policy,
            point.members,
            prompt=PROMPT,
            output=point.output,
            documents=point.documents,
            turns=point.turns,
            seed=seed,
        )
    ]
    warm = kept(policy, played)
    requests = score_requests(policy, played, point.documents, draws=point.counterfactuals)
    scorer = PolicyScorer(policy, played, warm=warm)
    batch = whole_batch(played)
    work: dict[str, Callable[[], object]] = {
        "gain": lambda: scorer.token_log_probs(requests),
        "update": lambda: on_policy_backward(policy, batch),
        "rollout": lambda: _rollout(policy, point, played),
    }
    found = {name: min(_seconds(function) for _ in range(2)) for name, function in work.items()}
    return {
        **{name: round(seconds, 4) for name, seconds in found.items()},
        "gain_tokens": scorer.forward_tokens / 2,
        "trajectory_tokens": sum(len(t.token_ids) for t in played),
    }


def _rollout(policy: Policy, point: Point, played: list[Trajectory]) -> None:
    """Of as many rows, prompts shared within a group, each with documents of its own."""
    rng = np.random.default_rng(0)
    prompts = [t.token_ids[: t.turns[0].start].tolist() for t in played]
    seen = rng.integers(10, 4000, (point.turns - 1, len(played), point.documents)).tolist()
    decode(endless(policy), prompts, seen, point.output)


def _seconds(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def in_a_fork(work: Callable[[], dict[str, float]]) -> dict[str, float]:
    """What the work says, with the megabytes by which its process grew."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        before = _resident()
        result = work()
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        os.write(write, json.dumps({**result, "megabytes": round(most - before, 1)}).encode())
        os._exit(0)
    os.close(write)
    with os.fdopen(read) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    found: dict[str, float] = json.loads(said)
    print(work, found, flush=True)
    return found


def _resident() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def _slope(curve: list[dict[str, float]], name: str) -> float:
    at, values = (np.log([row[key] for row in curve]) for key in ("at", name))
    return round(float(np.polyfit(at, values, 1)[0]), 2)


def _plot(
    curves: Mapping[str, list[dict[str, float]]],
    slopes: Mapping[str, Mapping[str, float]],
    path: Path,
) -> None:
    import matplotlib as mpl

    mpl.use("svg")
    mpl.rcParams["svg.hashsalt"] = "scaling"
    from matplotlib import pyplot as plt

    figure, axes = plt.subplots(2, 3, figsize=(9, 5.4), sharey=True, constrained_layout=True)
    for panel, (axis, curve) in zip(axes.flat, curves.items(), strict=True):
        for phase in PHASES:
            label = f"{phase}, exponent {slopes[axis][phase]:.2f}"
            panel.plot([r["at"] for r in curve], [r[phase] for r in curve], "o-", label=label)
        panel.set_xscale("log", base=2)
        panel.set_yscale("log")
        panel.set_xticks([row["at"] for row in curve], [str(row["at"]) for row in curve])
        panel.minorticks_off()
        panel.set_title(axis, fontsize=10)
        panel.legend(fontsize=7, frameon=False)
    for panel in axes[:, 0]:
        panel.set_ylabel("CPU seconds")
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    main()
