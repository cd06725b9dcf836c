"""A trajectory whose parts do not fit together is refused, whatever is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from small_policy import small_searcher, small_task

from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.trajectory import Provenance, Trajectory, Turn, check
from igs_env.errors import IGSearchError


@lru_cache(maxsize=1)
def searched() -> Trajectory:
    """A rollout that searched."""
    task, policy = small_task(), small_searcher()
    plan = RolloutPlan(questions=task.questions[:4], group_size=2, seed=0)
    played = rollout(task.rules, policy, NativeGenerator(policy), plan, Sampling(max_tokens=32))
    return next(t for t in played if t.episode.steps[0].searched and len(t.turns) > 1)


def _turn(trajectory: Trajectory, **changes: object) -> Trajectory:
    first = replace(trajectory.turns[0], **changes)  # type: ignore[arg-type]
    return replace(trajectory, turns=(first, *trajectory.turns[1:]))


def _provenance(trajectory: Trajectory, place: int, value: int) -> Trajectory:
    changed = trajectory.provenance.copy()
    changed[place] = value
    return replace(trajectory, provenance=changed)


def _log_prob(trajectory: Trajectory, value: float) -> Trajectory:
    changed = trajectory.log_probs.copy()
    changed[trajectory.turns[0].start] = value
    return replace(trajectory, log_probs=changed)


def _first(trajectory: Trajectory) -> Turn:
    return trajectory.turns[0]


CORRUPTIONS: dict[str, Callable[[Trajectory], Trajectory]] = {
    "a token too few": lambda t: replace(t, token_ids=t.token_ids[:-1]),
    "a token too many": lambda t: replace(
        t,
        token_ids=np.append(t.token_ids, 5),
        provenance=np.append(t.provenance, np.int8(Provenance.POLICY)),
        log_probs=np.append(t.log_probs, np.float32(-1)),
    ),
    "a log-probability too few": lambda t: replace(t, log_probs=t.log_probs[:-1]),
    "a log-probability above 0": lambda t: _log_prob(t, 0.5),
    "a log-probability that is not a number": lambda t: _log_prob(t, float("nan")),
    "a log-probability of minus infinity": lambda t: _log_prob(t, float("-inf")),
    "a turn too few": lambda t: replace(t, turns=t.turns[:-1]),
    "a turn too many": lambda t: replace(t, turns=(*t.turns, t.turns[-1])),
    "a turn that begins late": lambda t: _turn(t, start=_first(t).start + 1),
    "a turn that ends early": lambda t: _turn(t, end=_first(t).end - 1),
    "an observation that ends early": lambda t: _turn(
        t, observation_end=_first(t).observation_end - 1
    ),
    "a turn without a token": lambda t: _turn(t, end=_first(t).start),
    "a document's token as the policy's": lambda t: _provenance(
        t, _first(t).end, Provenance.POLICY
    ),
    "the policy's token as the environment's": lambda t: _provenance(
        t, _first(t).start, Provenance.ENVIRONMENT
    ),
    "a prompt token as the policy's": lambda t: _provenance(t, 0, Provenance.POLICY),
    "a query in the documents": lambda t: _turn(
        t, query=(_first(t).end, _first(t).observation_end)
    ),
    "a query in the prompt": lambda t: _turn(t, query=(0, 2)),
    "a search without a query": lambda t: _turn(t, query=(_first(t).start, _first(t).start)),
}


def test_a_rollout_as_it_was_played_passes() -> None:
    check(searched())


@pytest.mark.parametrize("corruption", CORRUPTIONS)
def test_a_corrupted_one_is_refused_with_its_episode(corruption: str) -> None:
    trajectory = searched()
    assert trajectory.episode.steps[0].searched
    with pytest.raises(IGSearchError, match=r"trajectory .*fiction"):
        check(CORRUPTIONS[corruption](trajectory))
