"""Relay: worth travels back to the searches that made a sibling's good query likely."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from scripted_generator import ScriptedGenerator
from small_world import small_task

from igs_agent.credit.example import table
from igs_agent.credit.relayed_gain import RelayedGain
from igs_agent.gains import measure_gains
from igs_agent.generation import Sampling
from igs_agent.policy import Policy
from igs_agent.relay import RelayConfig, measure_relays
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import step_table
from igs_agent.trajectory import Trajectory
from igs_env.counterfactual import OtherQuestionsSampler
from igs_env.errors import ConfigurationError

FIRST, SECOND, OTHER = "founder of Port One", "rule of Port Two", "anthem of Port Three"


def played(policy: Policy, protocol: str = "plain") -> list[Trajectory]:
    """Two questions; the first member asks `FIRST`, then `SECOND`, the second `FIRST`, `OTHER`."""
    task = small_task(protocol)

    def script(key: str, turn: int) -> str:
        refine = "<refine> it </refine>" if protocol == "autorefine" and turn else ""
        texts = [FIRST, SECOND if key.endswith("/0") else OTHER]
        return f"{refine}<search> {texts[turn]} </search>" if turn < 2 else "<answer> x </answer>"

    plan = RolloutPlan(questions=task.questions[:2], group_size=2, seed=0)
    generator = ScriptedGenerator(policy, script)
    return rollout(task.rules, policy, generator, plan, Sampling(max_tokens=64))


def with_gains(policy: Policy, *gains: list[float]) -> list[Trajectory]:
    trajectories = played(policy)
    measured = measure_gains(trajectories, PolicyScorer(policy, trajectories), SAMPLER)
    found = []
    for trajectory, values in zip(measured, gains, strict=True):
        own = [
            None if gain is None else replace(gain, value=value)
            for gain, value in zip(trajectory.gains, [*values, 0.0], strict=True)
        ]
        found.append(replace(trajectory, gains=tuple(own)))
    return found


SAMPLER = OtherQuestionsSampler()


class ScriptedScorer:
    """A query is as likely as `likely` says where the real documents stand, else at −3 nats.

    `likely` tells the query that was asked last, "" before the first, and the one that is scored.
    """

    forward_tokens = 0

    def __init__(self, likely: dict[tuple[str, str], float]) -> None:
        self.likely = likely
        self.targets: set[str] = set()

    def token_log_probs(self, requests: Any) -> list[np.ndarray]:
        self.targets |= {request.target for request in requests}
        return [np.array([self._one(request)]) for request in requests]

    def _one(self, request: Any) -> float:
        first = request.step < 0
        asked = "" if first else request.episode.steps[request.step].action.query
        return -3.0 if request.replacements else self.likely.get((asked, request.target), -3.0)


def relays(trajectories: list[Trajectory], scorer: Any, **options: Any) -> list[list[float | None]]:
    config = RelayConfig(**options)
    found = measure_relays(trajectories, scorer, SAMPLER, config=config)
    return [list(t.relays[:2]) for t in found]


def test_a_search_gets_the_clipped_lift_of_a_siblings_good_query(policy: Policy) -> None:
    trajectories = with_gains(policy, [0.0, 1.6], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0])
    scorer = ScriptedScorer({(FIRST, SECOND): -2.75, (OTHER, SECOND): -9.0})
    # Only the sibling: the rollout whose query it is was sampled where its documents stood.
    assert relays(trajectories, scorer) == [[0.0, 0.0], [0.25 * 1.6, 0.0], [0.0, 0.0], [0.0, 0.0]]
    assert scorer.targets == {SECOND, FIRST}


def test_a_lift_counts_at_most_once_over_and_worth_is_capped(policy: Policy) -> None:
    trajectories = with_gains(policy, [0.0, 9.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0])
    scorer = ScriptedScorer({(FIRST, SECOND): -0.1})
    assert relays(trajectories, scorer, cap=2.0)[1] == [2.0, 0.0]


def test_a_query_that_could_be_asked_before_owes_nothing_to_the_search(policy: Policy) -> None:
    trajectories = with_gains(policy, [0.0, 2.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0])
    # Behind FIRST it is likelier than behind other documents, but no likelier than at the start.
    scorer = ScriptedScorer({("", SECOND): -2.25, (FIRST, SECOND): -2.25})
    assert relays(trajectories, scorer)[1] == [0.0, 0.0]
    scorer = ScriptedScorer({("", SECOND): -2.25, (FIRST, SECOND): -2.0})
    assert relays(trajectories, scorer)[1][0] == 0.25 * 2.0


def test_a_query_without_worth_passes_nothing_on(policy: Policy) -> None:
    trajectories = with_gains(policy, [0.0, 0.4], [0.0, -2.0], [0.0, 0.0], [0.0, 0.0])
    scorer = ScriptedScorer({(FIRST, SECOND): -0.1, (FIRST, OTHER): -0.1})
    assert relays(trajectories, scorer) == [[0.0, 0.0]] * 4
    assert not scorer.targets


def test_worth_travels_one_hop_back_in_a_round(policy: Policy) -> None:
    trajectories = with_gains(policy, [0.0, 2.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0])
    # SECOND is made likely by OTHER, and OTHER by FIRST.
    scorer = ScriptedScorer({(OTHER, SECOND): -2.0, (FIRST, OTHER): -2.5})
    assert relays(trajectories, scorer, rounds=1)[0] == [0.0, 0.0]
    assert relays(trajectories, scorer, rounds=1)[1] == [0.0, 2.0]
    assert relays(trajectories, scorer, rounds=2)[0] == [0.5 * 2.0, 0.0]


def test_lifts_are_the_policys_own_log_probabilities(policy: Policy) -> None:
    trajectories = with_gains(policy, [0.0, 2.0], [0.0, 0.0], [0.0, 0.0], [0.0, 0.0])
    scorer = PolicyScorer(policy, trajectories)
    found = measure_relays(trajectories, scorer, SAMPLER)
    assert scorer.forward_tokens > 0
    assert [len(t.relays) for t in found] == [len(t.turns) for t in found]
    assert step_table(found).signal("relay").valid.tolist() == [[True, True, False]] * 4


def test_refine_blocks_are_refused(policy: Policy) -> None:
    trajectories = played(policy, "autorefine")
    with pytest.raises(ConfigurationError, match="refine"):
        measure_relays(trajectories, PolicyScorer(policy, trajectories), SAMPLER)


def test_gains_are_asked_for_first(policy: Policy) -> None:
    trajectories = played(policy)
    with pytest.raises(ConfigurationError, match="measure_gains"):
        measure_relays(trajectories, PolicyScorer(policy, trajectories), SAMPLER)


def test_gain_and_relay_are_capped_together() -> None:
    steps = table(outcome=[0], group=[0], gain=[[1.5, 0.4, -1.0]], relay=[[1.5, 1.0, 0.0]])
    found = RelayedGain(alpha=1.0, per_token=False)(steps).query.tolist()
    assert found == [[2.0, 1.0, pytest.approx(-0.1)]]
