"""One round of rollouts and its credit, whatever trains on it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from accelerate.utils import gather_object  # type: ignore[import-untyped]

from igs_agent.batch import Credit, StepTable
from igs_agent.config import CreditConfig
from igs_agent.credit import CreditEstimator, observation_similarity
from igs_agent.generation import Generator, Sampling
from igs_agent.measurement import measure_signals
from igs_agent.policy import Policy
from igs_agent.rollout import play
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import TokenBatch, step_table, token_batch
from igs_agent.trajectory import Trajectory
from igs_env.information_gain import FragmentSampler
from igs_env.transition import Rules
from igs_env.types import Episode, Fragment


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Round:
    """What a round of rollouts came to. Rows are in the order of the episodes."""

    everyone: Sequence[Trajectory]
    """Rollouts of all processes: a group may lie on several."""
    table: StepTable
    """Of everyone."""
    credit: Credit
    """Of everyone."""
    trajectories: Sequence[Trajectory]
    """This process's own."""
    batch: TokenBatch
    """This process's own, with the estimator's advantages."""
    rewards: Sequence[float | None]
    """This process's own; None for a rollout that does not count."""


class FixedBatch:
    """A sampler that draws from given episodes, whatever batch it is asked for.

    A process asks for its own rollouts, and counterfactuals must not depend on how the batch is
    spread over processes.
    """

    def __init__(self, sampler: FragmentSampler, episodes: Sequence[Episode]) -> None:
        """Draw from these episodes."""
        self.name = sampler.name
        self._sampler, self._episodes = sampler, episodes

    def sample(
        self,
        episode: Episode,
        step: int,
        *,
        draws: int,
        batch: Sequence[Episode] = (),
        with_refine: bool = False,
    ) -> tuple[Fragment, ...]:
        """See `FragmentSampler.sample`."""
        return self._sampler.sample(
            episode, step, draws=draws, batch=self._episodes, with_refine=with_refine
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RoundPlayer:
    """Plays rounds: rollouts, signals, credit."""

    rules: Rules
    estimator: CreditEstimator
    credit: CreditConfig
    sampler: FragmentSampler | None
    """None where the estimator reads no gain."""
    sampling: Sampling
    generator: Callable[[Policy], Generator]
    max_rows: int
    score_tokens: int
    mask_truncated: bool

    def play(self, policy: Policy, episodes: Sequence[Episode], process: int) -> Round:
        """Play this process's episodes; every process must call, and has as many of them."""
        own = play(
            self.rules,
            policy,
            self.generator(policy),
            episodes,
            self.sampling,
            max_rows=self.max_rows,
        )
        everyone: list[Trajectory] = gather_object(self._measured(policy, own))
        rows = range(process * len(own), (process + 1) * len(own))
        similarity = observation_similarity(self.estimator)
        table = step_table(everyone, mask_truncated=self.mask_truncated, similarity=similarity)
        credit = self.estimator(table)
        counted = table.outcome_valid.tolist()
        return Round(
            everyone=everyone,
            table=table,
            credit=credit,
            trajectories=[everyone[row] for row in rows],
            batch=token_batch(everyone, table, credit).rows(rows),
            rewards=[everyone[row].reward if counted[row] else None for row in rows],
        )

    def _measured(self, policy: Policy, own: list[Trajectory]) -> list[Trajectory]:
        scorer = PolicyScorer(
            policy, own, temperature=self.sampling.temperature, max_tokens=self.score_tokens
        )
        sampler: FragmentSampler | None = None
        if self.sampler is not None:
            batch = gather_object([trajectory.episode for trajectory in own])
            sampler = FixedBatch(self.sampler, batch)
        return measure_signals(own, scorer, self.estimator, sampler, self.credit)
