"""One round of rollouts and its credit, whatever trains on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import Any

import torch
from accelerate.utils import gather_object  # type: ignore[import-untyped]
from jaxtyping import Float
from torch import Tensor

from igs_agent.batch import Credit, StepTable
from igs_agent.config import CreditConfig
from igs_agent.credit import (
    CreditEstimator,
    make_estimator,
    observation_similarity,
    signals_of,
)
from igs_agent.credit.assign import assign
from igs_agent.generation import Generator, Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.generation.warm import WarmContexts
from igs_agent.measurement import FromBatch, measure_signals, warm_contexts
from igs_agent.policy import Policy
from igs_agent.rollout import play
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import TokenBatch, step_table, token_batch
from igs_agent.step_signals import draws_counterfactuals
from igs_agent.trajectory import Trajectory
from igs_env.information_gain import FragmentSampler
from igs_env.task import Task, make_sampler
from igs_env.transition import Rules
from igs_env.types import Episode

EPSILON = 1e-4
"""TRL's constant beside a group's standard deviation; ours, and verl's, is 1e-6."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Round:
    """What a round of rollouts came to. Rows are in the order of the episodes."""

    everyone: Sequence[Trajectory]
    """Rollouts of all processes: a group may lie on several."""
    table: StepTable
    """Of everyone."""
    credit: Credit
    """Of everyone."""
    rows: range
    """Of everyone's, this process's own."""
    trajectories: Sequence[Trajectory]
    """This process's own."""
    batch: TokenBatch
    """This process's own, with the estimator's advantages."""
    rewards: Sequence[float | None]
    """This process's own; None for a rollout that does not count."""

    def rounded_as(self, host: Float[Tensor, " R"]) -> TokenBatch:
        """The batch with the host's own advantage wherever a step's credit is that, but rounded.

        The host computes GRPO in single precision, the estimator in double. Where no gain is
        added, training is then the host's own, bit for bit.
        """
        step, own = self.credit.step.clone(), slice(self.rows.start, self.rows.stop)
        theirs = host.to(step)[:, None].expand_as(step[own])
        same = torch.isclose(step[own], theirs, rtol=1e-5, atol=1e-6)
        step[own] = torch.where(same & self.table.valid[own], theirs, step[own])
        credit = replace(self.credit, step=step)
        return token_batch(self.everyone, self.table, credit).rows(self.rows)


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPlayer:
    """Plays rounds: rollouts, signals, credit."""

    rules: Rules
    estimator: CreditEstimator
    credit: CreditConfig
    sampler: FragmentSampler | None
    """None where no signal of the estimator's draws counterfactual documents."""
    sampling: Sampling
    generator: Callable[[Policy], Generator]
    max_rows: int
    score_tokens: int
    mask_truncated: bool

    def play(self, policy: Policy, episodes: Sequence[Episode], process: int) -> Round:
        """Play this process's episodes; every process must call, and has as many of them."""
        generator, warm = self.generator(policy), warm_contexts(policy, self.estimator)
        if isinstance(generator, NativeGenerator):
            generator.warm = warm
        own = play(
            self.rules,
            policy,
            generator,
            episodes,
            self.sampling,
            max_rows=self.max_rows,
        )
        everyone: list[Trajectory] = gather_object(self._measured(policy, own, warm))
        rows = range(process * len(own), (process + 1) * len(own))
        similarity = observation_similarity(self.estimator)
        table = step_table(everyone, mask_truncated=self.mask_truncated, similarity=similarity)
        credit = assign(self.estimator, table, signals_of(self.estimator))
        counted = table.outcome_valid.tolist()
        return Round(
            everyone=everyone,
            table=table,
            credit=credit,
            rows=rows,
            trajectories=[everyone[row] for row in rows],
            batch=token_batch(everyone, table, credit).rows(rows),
            rewards=[everyone[row].reward if counted[row] else None for row in rows],
        )

    def _measured(
        self, policy: Policy, own: list[Trajectory], warm: WarmContexts | None
    ) -> list[Trajectory]:
        scorer = PolicyScorer(policy, own, max_tokens=self.score_tokens, warm=warm)
        sampler: FragmentSampler | None = None
        if self.sampler is not None:
            batch = gather_object([trajectory.episode for trajectory in own])
            sampler = FromBatch(self.sampler, batch)
        return measure_signals(own, scorer, self.estimator, sampler, self.credit)


def round_player(task: Task, credit: CreditConfig, **settings: Any) -> RoundPlayer:
    """Plays rounds of a task's questions; `settings` are further fields of `RoundPlayer`."""
    estimator = make_estimator(credit.name, credit.options)
    sampler = None
    if draws_counterfactuals(signals_of(estimator)):
        sampler = make_sampler(credit.sampler, task.corpus, task.rules)
    return RoundPlayer(
        rules=task.rules,
        estimator=_with_epsilon(estimator, credit.options),
        credit=credit,
        sampler=sampler,
        **settings,
    )


def _with_epsilon(estimator: Any, options: Mapping[str, Any]) -> CreditEstimator:
    """The estimator with TRL's ε, unless it was given one or has none."""
    known = {field.name for field in fields(estimator)} if is_dataclass(estimator) else set()
    if "epsilon" in known and "epsilon" not in options:
        estimator = replace(estimator, epsilon=EPSILON)
    found: CreditEstimator = estimator
    return found
