"""What a search makes possible for its siblings: the relay of a good query's worth.

A bridging search moves no belief in the answer; it makes the search that does possible. Its trace
is that *another* rollout's good query becomes likely behind its documents. For search i, over the
question's best queries j of other rollouts,

    lift_ij  = log π(query j | i's documents) − max(the mean over N draws of the same given other
               documents, the same before step i)
    relay_i  = max_j clip(lift_ij, 0, 1) · worth_j          worth_j = min(gain_j + relay_j, cap)

in nats per answer token, the lift in nats per query token. Starting from the gains, each round lets
worth travel one hop back. *Ours.* Against the dangers of a transfer to the rollout's own next query
(`igs_agent.transfer`): that query was sampled where the documents stood, and copies their words
even if they are useless; a sibling's was not. A good query that could be asked before the search
owes nothing to it: without the second term a *failed* search is paid, since what should have been
asked is likelier behind its documents than behind quite other ones. A query without worth passes
nothing on, and nothing is passed on where no rollout of the group found anything.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from igs_agent.contrast import refuse_refine
from igs_agent.scorer import PolicyScorer
from igs_agent.trajectory import Trajectory
from igs_agent.transfer import PROBE, PROBE_END
from igs_env.contexts import ScoreRequest
from igs_env.errors import ConfigurationError
from igs_env.information_gain import FragmentSampler, mean_log_prob
from igs_env.types import Fragment, Search

Place = tuple[int, int]
"""(row of the trajectory, step)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """How worth is relayed."""

    rounds: int = 2
    """Hops back that worth travels."""
    targets: int = 3
    """Best queries of a question, each scored behind every search of it."""
    threshold: float = 0.5
    """A gain below this is worth nothing, nats per answer token."""
    cap: float = 2.0
    """Greatest worth, nats per answer token."""


def measure_relays(
    trajectories: Sequence[Trajectory],
    scorer: PolicyScorer,
    sampler: FragmentSampler,
    *,
    draws: int = 3,
    config: RelayConfig = RelayConfig(),
) -> list[Trajectory]:
    """The trajectories, whose gains are measured, with the relay of every search.

    None where nothing could be drawn. Before the update, as the gain, and with the same draws.

    Raises:
        ConfigurationError: gains that were not measured, or a protocol with refine blocks, which
            would have to be replaced jointly.
    """
    refuse_refine(trajectories)
    if any(len(trajectory.gains) < len(trajectory.turns) for trajectory in trajectories):
        raise ConfigurationError("a relay starts from gains: measure them first, by measure_gains")
    batch = [trajectory.episode for trajectory in trajectories]
    drawn = {
        place: fragments
        for place in _searches(trajectories)
        if (fragments := sampler.sample(batch[place[0]], place[1], draws=draws, batch=batch))
    }
    gains = {place: _worth(trajectories, place, config) for place in drawn}
    worth, relays = dict(gains), dict.fromkeys(drawn, 0.0)
    lifts: dict[tuple[Place, str], float] = {}
    for _ in range(config.rounds):
        wanted = _targets(trajectories, worth, config)
        asked = {place: _others(trajectories, place, wanted) for place in drawn}
        fresh = [(p, q) for p, found in asked.items() for q in found if (p, q) not in lifts]
        lifts |= _lifts(trajectories, fresh, drawn, scorer)
        relays = {
            place: max(
                (min(max(lifts[place, q], 0.0), 1.0) * w for q, w in found.items()), default=0.0
            )
            for place, found in asked.items()
        }
        worth = {place: min(gains[place] + relays[place], config.cap) for place in drawn}
    return [
        replace(
            trajectory,
            relays=tuple(relays.get((row, step)) for step in range(len(trajectory.turns))),
        )
        for row, trajectory in enumerate(trajectories)
    ]


def _searches(trajectories: Sequence[Trajectory]) -> list[Place]:
    """Searches that brought documents which were read."""
    return [
        (row, index)
        for row, trajectory in enumerate(trajectories)
        for index, step in enumerate(
            trajectory.episode.steps[: -1 if trajectory.overflowed else None]
        )
        if step.searched and step.documents
    ]


def _worth(trajectories: Sequence[Trajectory], place: Place, config: RelayConfig) -> float:
    gain = trajectories[place[0]].gains[place[1]]
    if gain is None or gain.value < config.threshold:
        return 0.0
    return min(gain.value, config.cap)


def _query(trajectories: Sequence[Trajectory], place: Place) -> str:
    action = trajectories[place[0]].episode.steps[place[1]].action
    assert isinstance(action, Search)
    return action.query


Holders = Mapping[str, Mapping[int, float]]
"""Query → row that made it → its worth there."""


def _targets(
    trajectories: Sequence[Trajectory], worth: Mapping[Place, float], config: RelayConfig
) -> dict[str, Holders]:
    """Per group, its queries of greatest worth."""
    groups: dict[str, dict[str, dict[int, float]]] = {}
    for place, value in worth.items():
        if value > 0:
            row, query = place[0], _query(trajectories, place)
            group = groups.setdefault(trajectories[row].episode.group_id, {})
            held = group.setdefault(query, {})
            held[row] = max(held.get(row, 0.0), value)
    return {
        id: dict(
            sorted(group.items(), key=lambda held: (-max(held[1].values()), held[0]))[
                : config.targets
            ]
        )
        for id, group in groups.items()
    }


def _others(
    trajectories: Sequence[Trajectory], place: Place, targets: Mapping[str, Holders]
) -> dict[str, float]:
    """Good queries of the question's other rollouts, but for the one that was just asked."""
    row, own = place[0], _query(trajectories, place)
    group = targets.get(trajectories[row].episode.group_id, {})
    found = {
        query: max((value for other, value in held.items() if other != row), default=0.0)
        for query, held in group.items()
        if query != own
    }
    return {query: value for query, value in found.items() if value > 0}


def _lifts(
    trajectories: Sequence[Trajectory],
    wanted: Sequence[tuple[Place, str]],
    drawn: Mapping[Place, tuple[Fragment, ...]],
    scorer: PolicyScorer,
) -> dict[tuple[Place, str], float]:
    requests = [
        ScoreRequest(
            episode=trajectories[row].episode,
            step=at,
            target=query,
            probe=PROBE,
            probe_end=PROBE_END,
            replacements=replacements,
        )
        for (row, step), query in wanted
        for at, replacements in _contexts(step, drawn[row, step])
    ]
    scores = iter([mean_log_prob(row) for row in scorer.token_log_probs(requests)])
    lifts = {}
    for place, query in wanted:
        real, before = next(scores), next(scores)
        others = float(np.mean([next(scores) for _ in drawn[place]]))
        lifts[place, query] = real - max(others, before)
    return lifts


def _contexts(step: int, fragments: Sequence[Fragment]) -> list[tuple[int, Mapping[int, Fragment]]]:
    """(last step, replacements): behind the search, before it, and behind each draw."""
    return [(step, {}), (step - 1, {}), *((step, {step: fragment}) for fragment in fragments)]
