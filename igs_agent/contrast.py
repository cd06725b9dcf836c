"""A target's log-probability under a search's documents, minus that under other documents.

What the signals have in common that put something else in place of what one search brought; they
differ in which searches, and in whose probability of what is read where.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from igs_agent.scorer import PolicyScorer
from igs_agent.trajectory import Trajectory
from igs_env.contexts import ScoreRequest
from igs_env.errors import ConfigurationError
from igs_env.information_gain import FragmentSampler, mean_log_prob
from igs_env.types import Episode, Fragment

Target = Callable[[Episode, int, Fragment | None], ScoreRequest]
"""What is scored where: (episode, step, what stands there instead of the step's documents)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Contrast:
    """log π(target | …) in nats per target token, behind a step's documents and behind others."""

    real: float
    others: tuple[float, ...]
    """One per draw."""

    @property
    def value(self) -> float:
        """real − mean of the others."""
        return self.real - float(np.mean(self.others))


def measure_contrasts(
    trajectories: Sequence[Trajectory],
    scorer: PolicyScorer,
    sampler: FragmentSampler,
    *,
    steps: Callable[[Trajectory], Sequence[int]],
    target: Target,
    draws: int,
) -> list[tuple[Contrast | None, ...]]:
    """Per trajectory and step: the target's log-probability under real and drawn documents.

    None where a step is not among `steps`, or nothing could be drawn. Before the update, as the
    gain, and with the same draws where the sampler is the same.

    Raises:
        ConfigurationError: a protocol with refine blocks, which would have to be replaced jointly.
    """
    refuse_refine(trajectories)
    batch = [trajectory.episode for trajectory in trajectories]
    places = [
        (row, step, fragments)
        for row, trajectory in enumerate(trajectories)
        for step in steps(trajectory)
        if (fragments := sampler.sample(batch[row], step, draws=draws, batch=batch))
    ]
    requests = [
        target(batch[row], step, fragment)
        for row, step, fragments in places
        for fragment in (None, *fragments)
    ]
    scores = iter([mean_log_prob(row) for row in scorer.token_log_probs(requests)])
    found = {
        (row, step): Contrast(real=next(scores), others=tuple(next(scores) for _ in fragments))
        for row, step, fragments in places
    }
    return [
        tuple(found.get((row, step)) for step in range(len(trajectory.turns)))
        for row, trajectory in enumerate(trajectories)
    ]


def values(rows: Sequence[Sequence[Contrast | None]]) -> list[tuple[float | None, ...]]:
    """What is left of contrasts when only their difference matters."""
    return [tuple(None if each is None else each.value for each in row) for row in rows]


def refuse_refine(trajectories: Sequence[Trajectory]) -> None:
    """Raise `ConfigurationError` for a protocol whose refine blocks would be replaced jointly."""
    if any(trajectory.episode.protocol.refine for trajectory in trajectories):
        raise ConfigurationError(
            "transfers to queries and leave-one-out are not defined for protocols with refine "
            "blocks; use another protocol or another estimator"
        )
