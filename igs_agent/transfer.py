"""How much a search's documents raise the likelihood of the query that comes next.

A bridging search moves no belief in the answer; it makes the next search possible. Its trace is in
the next query: q_t = log π(next query | the step's documents) − mean over N draws of the same given
other documents, in nats per query token. *Ours*, a pilot (`docs/method.md`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from igs_agent.scorer import PolicyScorer
from igs_agent.trajectory import Trajectory
from igs_env.contexts import ScoreRequest
from igs_env.errors import ConfigurationError
from igs_env.information_gain import FragmentSampler, mean_log_prob
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

    Before the update, as the gain, and with the same draws where the sampler is the same.

    The expectation under the policy is a divergence and never below 0, even for documents that
    help nobody: the next query was sampled where the real ones were read. Protocols with refine
    blocks are refused with ConfigurationError: the block would have to be replaced jointly.
    """
    if any(trajectory.episode.protocol.refine for trajectory in trajectories):
        raise ConfigurationError(
            "the transfer to the next query is not defined for protocols with refine blocks; use "
            "another protocol or another estimator"
        )
    batch = [trajectory.episode for trajectory in trajectories]
    places = [
        (row, step, fragments)
        for row, episode in enumerate(batch)
        for step in _followed(trajectories[row])
        if (fragments := sampler.sample(episode, step, draws=draws, batch=batch))
    ]
    requests = [
        _request(batch[row], step, fragment)
        for row, step, fragments in places
        for fragment in (None, *fragments)
    ]
    scores = iter([mean_log_prob(row) for row in scorer.token_log_probs(requests)])
    values = {
        (row, step): next(scores) - float(np.mean([next(scores) for _ in fragments]))
        for row, step, fragments in places
    }
    return [
        replace(
            trajectory,
            transfers=tuple(values.get((row, step)) for step in range(len(trajectory.turns))),
        )
        for row, trajectory in enumerate(trajectories)
    ]


def _followed(trajectory: Trajectory) -> list[int]:
    """Searches that brought documents and whose next step is a search too."""
    steps = trajectory.episode.steps
    return [
        index
        for index in range(len(steps) - 1)
        if steps[index].searched and steps[index].documents and steps[index + 1].searched
    ]


def _request(episode: Episode, step: int, fragment: Fragment | None) -> ScoreRequest:
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
