"""Leave-one-out: what the answer's likelihood at the end of an episode owes to each search.

h_t = log π(a* | all that was read) − mean over N draws of the same with step t's documents replaced
by other documents, later steps as they were, in nats per answer token. *Ours*, as a comparison:
the gain looks at a search when it is made, this looks back at it.
"""

from __future__ import annotations

from collections.abc import Sequence

from igs_agent.contrast import measure_contrasts, values
from igs_agent.scorer import PolicyScorer
from igs_agent.trajectory import Trajectory
from igs_env.contexts import ScoreRequest
from igs_env.information_gain import FragmentSampler
from igs_env.types import Episode, Fragment


def leave_one_out(
    trajectories: Sequence[Trajectory],
    scorer: PolicyScorer,
    sampler: FragmentSampler,
    *,
    draws: int = 3,
) -> list[tuple[float | None, ...]]:
    """h_t per trajectory and step, None where there is none. Raises as `measure_contrasts`."""
    found = measure_contrasts(
        trajectories, scorer, sampler, steps=read_searches, target=answer_at_the_end, draws=draws
    )
    return values(found)


def read_searches(trajectory: Trajectory) -> list[int]:
    """Steps whose documents were brought and read."""
    # What filled the context was never read.
    read = trajectory.episode.steps[: -1 if trajectory.overflowed else None]
    return [index for index, step in enumerate(read) if step.searched and step.documents]


def answer_at_the_end(episode: Episode, step: int, fragment: Fragment | None) -> ScoreRequest:
    """The answer behind all that was read, the step's documents or the fragment among it."""
    last = max(index for index, taken in enumerate(episode.steps) if taken.searched)
    return ScoreRequest(
        episode=episode,
        step=last,
        target=episode.question.answers[0],
        probe=episode.protocol.probe,
        probe_end=episode.protocol.probe_end,
        replacements={} if fragment is None else {step: fragment},
    )
