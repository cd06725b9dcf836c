"""Masks over random episodes: only the policy's own tokens are ever learned from."""

from __future__ import annotations

import copy
from dataclasses import replace
from functools import lru_cache

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scripted_generator import ScriptedGenerator
from small_policy import small_policy
from small_world import small_task
from torch.nn.functional import cross_entropy

from igs_agent.config import LossConfig, OptimConfig
from igs_agent.credit import make_estimator
from igs_agent.gains import measure_gains
from igs_agent.generation import Sampling
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import TokenBatch, step_table, token_batch
from igs_agent.trajectory import Provenance, Trajectory
from igs_agent.update import update_policy
from igs_env.counterfactual import OtherQuestionsSampler

PROTOCOLS = ("search-r1", "autorefine", "plain")
WORDS = ("birthplace", "of", "the", "Port", "founder", "rule", "river", "née 中", "<b>", "")
EPISODES = settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)

_words = st.lists(st.sampled_from(WORDS), max_size=4).map(" ".join)
_output = st.one_of(
    _words.map(lambda text: f"<search> {text} </search>"),
    _words.map(lambda text: f"<refine> {text} </refine><search> {text} </search> and more"),
    _words.map(lambda text: f"<think> {text} </think><answer> {text} </answer>"),
    _words.filter(str.strip),
)
members = st.lists(st.lists(_output, min_size=5, max_size=5), min_size=4, max_size=4)
"""What each of two questions' two rollouts writes, turn by turn."""


@lru_cache(maxsize=1)
def _policy() -> Policy:
    return small_policy(context=2048)


def played(protocol: str, scripts: list[list[str]]) -> list[Trajectory]:
    """The episodes of these outputs, with gains."""
    task, policy = small_task(protocol), _policy()
    ids = [question.id for question in task.questions[:2]]

    def script(key: str, turn: int) -> str:
        question, member = key.split("/", 2)[2].rsplit("/", 1)
        return scripts[2 * ids.index(question) + int(member)][turn]

    plan = RolloutPlan(questions=task.questions[:2], group_size=2, seed=0)
    generator = ScriptedGenerator(policy, script)
    found = rollout(task.rules, policy, generator, plan, Sampling(max_tokens=64))
    return measure_gains(found, PolicyScorer(policy, found), OtherQuestionsSampler(), draws=1)


def batch_of(trajectories: list[Trajectory]) -> TokenBatch:
    """With the modulated advantages, and some for every policy token: rewards are all 0."""
    table = step_table(trajectories)
    credit = make_estimator("ig_search", {"dead_zone": 0.0})(table)
    steps = torch.linspace(-1, 1, table.valid.numel()).reshape(table.valid.shape)
    return token_batch(trajectories, table, replace(credit, step=credit.step + steps))


def gradients(policy: Policy, batch: TokenBatch) -> list[torch.Tensor]:
    """Of one update, as the step that plain gradient descent takes."""
    mine = replace(policy, model=copy.deepcopy(policy.model))
    optimizer = torch.optim.SGD(mine.model.parameters(), lr=1.0)
    exact = OptimConfig(max_grad_norm=1e9)
    groups = list(range(len(batch.ids)))
    update_policy(mine, optimizer, batch, LossConfig(), exact, temperature=1.0, groups=groups)
    pairs = zip(policy.model.parameters(), mine.model.parameters(), strict=True)
    return [(before - after).detach() for before, after in pairs]


def gradients_with_labels(
    policy: Policy, batch: TokenBatch, labels: torch.Tensor
) -> list[torch.Tensor]:
    """By the textbook: every row through the whole model, Σ −A · log π(label) / trained tokens."""
    mine = replace(policy, model=copy.deepcopy(policy.model))
    total = torch.zeros(())
    for row, length in enumerate(batch.lengths.tolist()):
        logits = mine.model(batch.ids[row : row + 1, :length]).logits[0, :-1]  # type: ignore[operator]
        nats = cross_entropy(logits, labels[row, 1:length], reduction="none")
        weights = batch.advantages[row, 1:length] * batch.trained[row, 1:length]
        total = total + (weights * nats).sum()
    (total / batch.trained.sum()).backward()  # type: ignore[no-untyped-call]
    return [parameter.grad for parameter in mine.model.parameters()]  # type: ignore[misc]


@pytest.mark.parametrize("protocol", PROTOCOLS)
@EPISODES
@given(scripts=members, seed=st.integers(0, 2**16))
def test_labels_at_prompts_and_environment_tokens_change_no_gradient(
    protocol: str, scripts: list[list[str]], seed: int
) -> None:
    """The update's gradient is the textbook's, whatever its labels at those places are."""
    policy, trajectories = _policy(), played(protocol, scripts)
    batch = batch_of(trajectories)
    noise = torch.randint(0, 600, batch.ids.shape, generator=torch.Generator().manual_seed(seed))
    for row, trajectory in enumerate(trajectories):
        noise[row, : len(trajectory.token_ids)][torch.from_numpy(trajectory.is_policy)] = (
            torch.from_numpy(trajectory.token_ids[trajectory.is_policy])
        )
    # On policy the ratio is 1 up to rounding: the scripts' own log-probabilities.
    ours, theirs = gradients(policy, batch), gradients_with_labels(policy, batch, noise)
    for mine, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, expected, atol=2e-6, rtol=2e-3)


@pytest.mark.parametrize("protocol", PROTOCOLS)
@EPISODES
@given(scripts=members, turns=st.integers(1, 4), seed=st.integers(0, 2**16))
def test_documents_behind_the_last_policy_token_change_nothing(
    protocol: str, scripts: list[list[str]], turns: int, seed: int
) -> None:
    whole = [_cut(trajectory, turns) for trajectory in played(protocol, scripts)]
    random = torch.Generator().manual_seed(seed)
    other = []
    for trajectory in whole:
        ids, end = trajectory.token_ids.copy(), trajectory.turns[-1].end
        ids[end:] = torch.randint(0, 600, (len(ids) - end,), generator=random).numpy()
        other.append(replace(trajectory, token_ids=ids))
    before, after = (gradients(_policy(), batch_of(each)) for each in (whole, other))
    assert all(torch.equal(a, b) for a, b in zip(before, after, strict=True))


def _cut(trajectory: Trajectory, turns: int) -> Trajectory:
    """As if the episode had been stopped behind an observation."""
    kept = trajectory.turns[:turns]
    end = kept[-1].observation_end
    return replace(
        trajectory,
        episode=replace(trajectory.episode, steps=trajectory.episode.steps[:turns]),
        turns=kept,
        gains=trajectory.gains[:turns],
        token_ids=trajectory.token_ids[:end],
        provenance=trajectory.provenance[:end],
        log_probs=trajectory.log_probs[:end],
    )


@pytest.mark.parametrize("protocol", PROTOCOLS)
@EPISODES
@given(scripts=members)
def test_every_token_is_whose_its_text_is(protocol: str, scripts: list[list[str]]) -> None:
    policy, trajectories = _policy(), played(protocol, scripts)
    batch = batch_of(trajectories)
    for row, trajectory in enumerate(trajectories):
        ids, episode = trajectory.token_ids, trajectory.episode
        prompt = ids[trajectory.provenance == Provenance.PROMPT]
        assert policy.decode(prompt.tolist()) == episode.prompt
        for step, turn in zip(episode.steps, trajectory.turns, strict=True):
            written = policy.decode(ids[turn.start : turn.end].tolist())
            assert written.startswith(step.output)
            assert policy.decode(ids[turn.end : turn.observation_end].tolist()) == step.observation
        outside = ~torch.from_numpy(trajectory.is_policy)
        assert not batch.advantages[row, : len(ids)][outside].any()
        assert not batch.trained[row, len(ids) :].any()
