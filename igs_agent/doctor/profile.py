"""Where an update's time goes with one's own model and settings, and which setting would help."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch

from igs_agent.config import TrainConfig
from igs_agent.credit import observation_similarity, signals_of
from igs_agent.credit.assign import assign
from igs_agent.run import Run, start
from igs_agent.run_episodes import measure, play
from igs_agent.signals import step_table, token_batch
from igs_agent.trajectory import Trajectory
from igs_agent.update import update_policy

WORTH = 0.03
"""Share of an update's time below which a difference is noise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Phase:
    """A part of an update."""

    name: str
    seconds: float
    tokens: int
    """Through the model, in the rollout those of the finished rollouts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knob:
    """A setting that was tried on the same rollouts."""

    setting: str
    """As it is written behind `igs train`."""
    seconds: float
    """Of a whole update with it."""
    price: str
    """What it changes besides time; empty for nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One update, measured."""

    phases: tuple[Phase, ...]
    knobs: tuple[Knob, ...]
    """The best first."""

    @property
    def seconds(self) -> float:
        """Of the whole update."""
        return sum(phase.seconds for phase in self.phases)

    @property
    def advice(self) -> Knob | None:
        """The knob that helps most; None where none helps by more than noise."""
        best = next(iter(self.knobs), None)
        return best if best and best.seconds < (1 - WORTH) * self.seconds else None


def profile(config: TrainConfig) -> Profile:
    """Play one update's rollouts and train on them, in a folder that is thrown away.

    Settings that touch the gain and the update alone are tried on the same rollouts, in turn with
    the given ones, each twice; the lesser time counts.

    Raises:
        ConfigurationError: something that cannot be trained.
    """
    with tempfile.TemporaryDirectory() as folder:
        run = start(replace(config, run=f"{folder}/run"), resume=False, report=None)
        try:
            with run.timed("rollout"):
                trajectories = play(run, 0)
            return _profile(run, trajectories)
        finally:
            for tracker in run.trackers:
                tracker.close()
            if run.server is not None:
                run.server.close()


def _profile(run: Run, trajectories: Sequence[Trajectory]) -> Profile:
    given, threads = run.config, torch.get_num_threads()
    tried = {"": (given, threads, ""), **_candidates(given, threads)}
    best: dict[str, tuple[Phase, Phase]] = {}
    for name in [""] + [*tried] * 2:  # the first one warms up
        config, count, _ = tried[name]
        run.config = config
        with _threads(count):
            found = _learn(run, trajectories)
        before = best.get(name, found)
        best[name] = min(before, found, key=lambda phases: sum(p.seconds for p in phases))
    run.config = given
    rollout = Phase(
        name="rollout",
        seconds=run.seconds["rollout"],
        tokens=sum(len(t.token_ids) for t in trajectories),
    )
    knobs = [
        Knob(
            setting=name,
            seconds=rollout.seconds + sum(phase.seconds for phase in phases),
            price=tried[name][2],
        )
        for name, phases in best.items()
        if name
    ]
    return Profile(
        phases=(rollout, *best[""]), knobs=tuple(sorted(knobs, key=lambda knob: knob.seconds))
    )


def _candidates(config: TrainConfig, threads: int) -> dict[str, tuple[TrainConfig, int, str]]:
    """Setting → (configuration, threads, what it changes besides time)."""
    optim, cores = config.optim, os.cpu_count() or 1
    flipped = replace(optim, autocast=not optim.autocast)
    larger = replace(optim, batch_tokens=4 * optim.batch_tokens)
    found = {
        f"optim.autocast={str(flipped.autocast).lower()}": (
            replace(config, optim=flipped),
            threads,
            "products are rounded to bfloat16" if flipped.autocast else "",
        ),
        f"optim.batch_tokens={larger.batch_tokens}": (
            replace(config, optim=larger),
            threads,
            "up to four times the memory of activations",
        ),
    }
    if config.credit.counterfactuals > 1:
        found["credit.counterfactuals=1"] = (
            replace(config, credit=replace(config.credit, counterfactuals=1)),
            threads,
            "a noisier gain, with no standard error",
        )
    if threads < cores and not torch.cuda.is_available():
        found[f"OMP_NUM_THREADS={cores} (before igs train)"] = (config, cores, "")
    return found


def _learn(run: Run, trajectories: Sequence[Trajectory]) -> tuple[Phase, Phase]:
    """Gain and update."""
    config, began = run.config, time.perf_counter()
    measured, gain_tokens = measure(run, trajectories)
    gained = _now(run)
    table = step_table(
        measured,
        mask_truncated=config.loss.mask_truncated,
        similarity=observation_similarity(run.estimator),
    )
    stats = update_policy(
        run.policy,
        run.optimizer,
        token_batch(measured, table, assign(run.estimator, table, signals_of(run.estimator))),
        config.loss,
        config.optim,
        temperature=config.rollout.temperature,
        groups=table.group.tolist(),
        reference=run.reference,
    )
    return (
        Phase(name="gain", seconds=gained - began, tokens=gain_tokens),
        Phase(name="update", seconds=_now(run) - gained, tokens=stats.forward_tokens),
    )


def _now(run: Run) -> float:
    if run.policy.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter()


@contextmanager
def _threads(count: int) -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def profile_report(found: Profile) -> str:
    """The phases as a table, then the knobs, the best first, and one line of advice."""
    lines = [
        f"one update takes {found.seconds:,.1f} s here:",
        *(
            f"  {phase.name:<10}{phase.seconds:>9,.2f} s {phase.seconds / found.seconds:>6.0%}"
            f"{phase.tokens:>12,} tokens {phase.tokens / max(phase.seconds, 1e-9):>12,.0f} /s"
            for phase in found.phases
        ),
    ]
    lines += ["", "with another setting, on the same rollouts:"]
    for knob in found.knobs:
        price = f"   ({knob.price})" if knob.price else ""
        change = knob.seconds / found.seconds - 1
        lines.append(f"  {knob.setting:<38}{knob.seconds:>9,.2f} s {change:>+6.0%}{price}")
    advice = found.advice
    lines.append(
        f"\nwould help most: {advice.setting}"
        if advice
        else "\nnone of these helps by more than noise: the settings are right for this machine"
    )
    return "\n".join(lines)
