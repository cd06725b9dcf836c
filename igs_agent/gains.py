"""Deferred information gain: an update's searches scored with the policy that made them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from igs_agent.scorer import PolicyScorer
from igs_agent.trajectory import Trajectory
from igs_env.contexts import ScoreRequest, refine_after
from igs_env.information_gain import (
    FragmentSampler,
    GainRequest,
    mean_log_prob,
    measure_information_gain,
)


def measure_gains(
    trajectories: Sequence[Trajectory],
    scorer: PolicyScorer,
    sampler: FragmentSampler,
    *,
    draws: int = 3,
    aliases: str = "first",
) -> list[Trajectory]:
    """The trajectories with the gain of every search (eq. 2 and 3 of arXiv 2604.15148).

    Before the update, so that the scorer's policy is π_old. Where the protocol has refine
    blocks they are replaced jointly with the documents, and a search that none follows has no
    gain.
    """
    wanted = [
        (row, step) for row, trajectory in enumerate(trajectories) for step in _searches(trajectory)
    ]
    requests = [
        GainRequest(
            episode=trajectories[row].episode,
            step=step,
            through_refine=trajectories[row].episode.protocol.refine,
        )
        for row, step in wanted
    ]
    measured = measure_information_gain(
        requests,
        scorer,
        sampler,
        draws=draws,
        batch=[trajectory.episode for trajectory in trajectories],
        aliases=aliases,
    )
    by_step = dict(zip(wanted, measured, strict=True))
    return [
        replace(
            trajectory,
            gains=tuple(by_step.get((row, step)) for step in range(len(trajectory.turns))),
        )
        for row, trajectory in enumerate(trajectories)
    ]


def measure_answer_log_probs(
    trajectories: Sequence[Trajectory], scorer: PolicyScorer
) -> list[Trajectory]:
    """The trajectories with how likely the gold answer was at the start of each step.

    log π(a*|C) / |a*| with C everything before the step, the prompt alone before the first: v_t
    of IGPO (arXiv 2510.14967). About the first gold answer. Before the update, as the gain.
    """
    places = [
        (row, step)
        for row, trajectory in enumerate(trajectories)
        for step in range(len(trajectory.turns))
    ]
    scored = scorer.token_log_probs([_at_start(trajectories[row], step) for row, step in places])
    values = {
        place: mean_log_prob(log_probs) for place, log_probs in zip(places, scored, strict=True)
    }
    return [
        replace(
            trajectory,
            answer_log_probs=tuple(values[row, step] for step in range(len(trajectory.turns))),
        )
        for row, trajectory in enumerate(trajectories)
    ]


def _at_start(trajectory: Trajectory, step: int) -> ScoreRequest:
    episode = trajectory.episode
    return ScoreRequest(
        episode=episode,
        step=step - 1,
        target=episode.question.answers[0],
        probe=episode.protocol.probe,
        probe_end=episode.protocol.probe_end,
    )


def _searches(trajectory: Trajectory) -> list[int]:
    episode = trajectory.episode
    # What filled the context was never read.
    read = episode.steps[:-1] if trajectory.overflowed else episode.steps
    return [
        index
        for index, step in enumerate(read)
        if step.searched
        and (not episode.protocol.refine or refine_after(episode, index) is not None)
    ]
