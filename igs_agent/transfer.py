"""How much a search's documents raise the likelihood of the query that comes next.

A bridging search moves no belief in the answer; it makes the next search possible. Its trace is in
the next query: q_t = log π(next query | the step's documents) − mean over N draws of the same given
other documents, in nats per query token. *Ours*, a pilot (`docs/method.md`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from igs_agent.contrast import measure_contrasts, values
from igs_agent.scorer import PolicyScorer
from igs_agent.trajectory import Trajectory
from igs_env.contexts import ScoreRequest
from igs_env.information_gain import FragmentSampler
from igs_env.types import Episode, Fragment, Search

PROBE, PROBE_END = "<search> ", " </search>"


def measure_transfers(
    trajectories: Sequence[Trajectory],
    scorer: PolicyScorer,
    sampler: FragmentSampler,
    *,
    draws: int = 3,
) -> list[Trajectory]:
    """The trajectories with the transfer of every search that another one follows at once.

    The expectation under the policy is a divergence and never below 0, even for documents that
    help nobody: the next query was sampled where the real ones were read. Raises as
    `measure_contrasts`.
    """
    found = measure_contrasts(
        trajectories, scorer, sampler, steps=followed, target=next_query, draws=draws
    )
    return [
        replace(trajectory, transfers=row)
        for trajectory, row in zip(trajectories, values(found), strict=True)
    ]


def followed(trajectory: Trajectory) -> list[int]:
    """Searches that brought documents and whose next step is a search too."""
    steps = trajectory.episode.steps
    return [
        index
        for index in range(len(steps) - 1)
        if steps[index].searched and steps[index].documents and steps[index + 1].searched
    ]


def next_query(episode: Episode, step: int, fragment: Fragment | None) -> ScoreRequest:
    """The query of the step's successor, behind the step's documents or the fragment."""
    action = episode.steps[step + 1].action
    assert isinstance(action, Search)
    return ScoreRequest(
        episode=episode,
        step=step,
        target=action.query,
        probe=PROBE,
        probe_end=PROBE_END,
        replacements={} if fragment is None else {step: fragment},
    )
