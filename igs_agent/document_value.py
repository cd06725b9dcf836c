"""What a document is worth to a question, read from the rollouts that found it.

A bridging search moves no belief in the answer, so that the information gain cannot see it. But
rollouts of one question share documents, and those that found a bridging document do better
afterwards. For a document d that a search of rollout i brought first,

    worth_o(s) = (1 − γ) R_o + γ max_{t ≥ s} b_ot
    value(d)   = Σ_{o found d} worth_o(s_o) / (n + 1)  −  Σ_{o did not} worth_o(0) / (m + 1)

over the question's rollouts o, i among them: R_o is the outcome, b a gain between 0 and 1, s_o the
step at which o found d, n and m the numbers of either kind. The 1 is a
rollout without worth, so that little evidence says little, and a document that all have found is
compared with nothing rather than with nobody. A search's value is its best document's. *Ours*; the
comparison of siblings from a shared state is GiGPO's (arXiv 2505.10978), with documents in place of
observations.

The gain's unit decides. In nats (`nats_gain`, 0 below a threshold and capped as in `IGSearch`)
useless documents often count as much as the one that holds the answer: an improbable answer's
log-probability moves by several nats for no reason. In probability (`belief_gain`) such moves are
nothing.

It costs no forward pass beyond the gain's, and none where γ = 0. A policy cannot write what it is
paid for: document ids are the environment's. What it cannot do: a document that nobody needed but
all good rollouts found is paid too, and two passages that say the same do not share their worth.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence

from igs_agent.trajectory import Trajectory
from igs_env.types import InformationGain

THRESHOLD = 0.5
"""A gain below this is worth nothing, nats per answer token: the dead zone of `IGSearch`."""
CAP = 2.0
"""Gain whose worth is 1, nats per answer token; more is worth no more."""


def nats_gain(gain: InformationGain) -> float:
    """The gain over `CAP`, at most 1; 0 below `THRESHOLD`."""
    return min(gain.value, CAP) / CAP if gain.value >= THRESHOLD else 0.0


def belief_gain(gain: InformationGain) -> float:
    """How much the documents raise the answer's probability over the counterfactual ones, by the
    geometric mean of its tokens' probabilities; 0 where they lower it."""
    return max(0.0, math.exp(gain.log_prob_real) - math.exp(gain.log_prob_counterfactual))


def document_values(
    trajectories: Sequence[Trajectory],
    *,
    gain_share: float,
    gain: Callable[[InformationGain], float] = nats_gain,
) -> list[list[float | None]]:
    """Per rollout and step the search's value, in [−1, 1] for outcomes in [0, 1].

    0 for a search that brought nothing new to its rollout, None where nothing was searched or the
    retrieval failed. Rollouts whose retrieval failed are neither judged nor compared with.

    Args:
        trajectories: of one update; with gains measured where `gain_share` is above 0.
        gain_share: γ.
        gain: b of a measured gain.
    """
    groups: dict[str, list[int]] = {}
    for row, trajectory in enumerate(trajectories):
        if not trajectory.retrieval_failed:
            groups.setdefault(trajectory.episode.group_id, []).append(row)
    values: list[list[float | None]] = [[None] * len(t.turns) for t in trajectories]
    for rows in groups.values():
        found = {row: _first_found(trajectories[row]) for row in rows}
        worth = {row: _worth(trajectories[row], gain_share, gain) for row in rows}
        known = {
            document: _value(document, found, worth)
            for document in {document for of in found.values() for document in of}
        }
        for row in rows:
            for step, brought in enumerate(_brought(trajectories[row])):
                if brought is not None:
                    new = [known[d] for d in brought if found[row][d] == step]
                    values[row][step] = max(new, default=0.0)
    return values


def _brought(trajectory: Trajectory) -> Iterable[list[str] | None]:
    """Ids of each step's documents; None where nothing was searched."""
    for step in trajectory.episode.steps[: len(trajectory.turns)]:
        yield [document.id for document in step.documents] if step.searched else None


def _first_found(trajectory: Trajectory) -> dict[str, int]:
    """Document → step that brought it first."""
    first: dict[str, int] = {}
    for step, brought in enumerate(_brought(trajectory)):
        for document in brought or ():
            first.setdefault(document, step)
    return first


def _worth(
    trajectory: Trajectory, gain_share: float, gain: Callable[[InformationGain], float]
) -> list[float]:
    """From each step on."""
    best, from_here = 0.0, []
    gains = [*trajectory.gains, *[None] * (len(trajectory.turns) - len(trajectory.gains))]
    for measured in reversed(gains):
        if measured is not None:
            best = max(best, gain(measured))
        from_here.append((1 - gain_share) * trajectory.reward + gain_share * best)
    return from_here[::-1] or [trajectory.reward]


def _value(document: str, found: dict[int, dict[str, int]], worth: dict[int, list[float]]) -> float:
    having = [worth[row][first[document]] for row, first in found.items() if document in first]
    lacking = [worth[row][0] for row, first in found.items() if document not in first]
    return sum(having) / (len(having) + 1) - sum(lacking) / (len(lacking) + 1)
