"""The update on real rollouts: silent groups, masks, micro-batches."""

from __future__ import annotations

import copy
import math
from dataclasses import replace

import pytest
import torch
from scripted_generator import ScriptedGenerator
from small_world import small_task

from igs_agent.config import LossConfig, OptimConfig, PolicyConfig
from igs_agent.credit import make_estimator
from igs_agent.dynamic_sampling import rows_of_loud_groups
from igs_agent.gains import measure_gains
from igs_agent.generation import Sampling
from igs_agent.policy import Policy
from igs_agent.preparation import prepare_policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import TokenBatch, step_table, token_batch
from igs_agent.trained_tokens import trained_log_probs
from igs_agent.trajectory import Trajectory
from igs_agent.update import (
    NonFiniteUpdateError,
    UpdateStats,
    importance_corrected,
    update_policy,
)
from igs_agent.warmstart.tiny import new_tiny
from igs_env.counterfactual import OtherQuestionsSampler


@pytest.fixture(scope="module", params=["plain", "search-r1", "autorefine"])
def failing(request: pytest.FixtureRequest, policy: Policy) -> list[Trajectory]:
    """Three groups whose rollouts all search and all answer wrongly, with their gains."""
    played = failing_rollouts(policy, request.param)
    return measure_gains(played, PolicyScorer(policy, played), OtherQuestionsSampler(), draws=2)


def failing_rollouts(policy: Policy, protocol: str) -> list[Trajectory]:
    task = small_task(protocol)
    refine = "<refine> it </refine>" if protocol == "autorefine" else ""

    def script(key: str, turn: int) -> str:
        member = int(key.rpartition("/")[2])
        words = ["birthplace", "rule", "founder"][member]
        if turn == 0:
            return f"<search> {words} of Port {member} </search>"
        return f"{refine}<answer> nothing {member} </answer>"

    plan = RolloutPlan(questions=task.questions[:3], group_size=3, seed=0)
    played = rollout(
        task.rules, policy, ScriptedGenerator(policy, script), plan, Sampling(max_tokens=64)
    )
    assert {t.reward for t in played} == {0.0}
    return played


def updated(
    policy: Policy,
    batch: TokenBatch,
    groups: list[int],
    *,
    loss: LossConfig | None = None,
    reference: Policy | None = None,
    **optim: float,
) -> tuple[UpdateStats, dict[str, torch.Tensor]]:
    """(what the update reports, the parameters after it), on a copy."""
    mine = replace(policy, model=copy.deepcopy(policy.model))
    optimizer = torch.optim.SGD(mine.model.parameters(), lr=0.1)
    settings = OptimConfig(**{"max_grad_norm": 1e9, **optim})  # type: ignore[arg-type]
    stats = update_policy(
        mine,
        optimizer,
        batch,
        loss or LossConfig(),
        settings,
        temperature=1.0,
        groups=groups,
        reference=reference,
    )
    return stats, dict(mine.model.named_parameters())


@pytest.fixture(scope="module")
def reference(policy: Policy) -> Policy:
    """Another policy of the same shape."""
    return new_tiny(policy.tokenizer, width=64, layers=2, context=768, seed=5)


def batch_of(trajectories: list[Trajectory], credit: str) -> tuple[TokenBatch, list[int]]:
    table = step_table(trajectories)
    estimator = make_estimator(credit, {"dead_zone": 0.0} if credit == "ig_search" else {})
    return token_batch(trajectories, table, estimator(table)), table.group.tolist()


def test_where_all_fail_grpo_is_silent_and_ig_search_is_not(
    policy: Policy, failing: list[Trajectory]
) -> None:
    # A policy with random weights gains little from any document: no dead zone here.
    grpo, _ = updated(policy, *batch_of(failing, "grpo"))
    ours, _ = updated(policy, *batch_of(failing, "ig_search"))
    assert grpo.grad_norm <= 1e-12
    assert ours.grad_norm > 1e-5


@pytest.mark.parametrize(
    "loss",
    [
        LossConfig(),
        LossConfig(aggregation="constant", constant_length=50),
        LossConfig(kl=0.1),
        LossConfig(importance_cap=2.0),
    ],
    ids=["token mean", "constant", "kl", "importance weights"],
)
def test_micro_batches_give_the_update_of_one_big_batch(
    policy: Policy, reference: Policy, failing: list[Trajectory], loss: LossConfig
) -> None:
    batch, groups = batch_of(failing, "ig_search")
    _, whole = updated(policy, batch, groups, loss=loss, reference=reference)
    _, parts = updated(policy, batch, groups, loss=loss, reference=reference, batch_tokens=1)
    for name, parameter in whole.items():
        torch.testing.assert_close(parts[name], parameter, atol=1e-6, rtol=1e-5)


def test_a_constant_aggregation_only_rescales_the_token_mean(
    policy: Policy, failing: list[Trajectory]
) -> None:
    batch, groups = batch_of(failing, "ig_search")
    mean, _ = updated(policy, batch, groups)
    constant = LossConfig(aggregation="constant", constant_length=50)
    scaled, _ = updated(policy, batch, groups, loss=constant)
    factor = int(batch.trained.sum()) / (len(failing) * 50)
    assert scaled.grad_norm == pytest.approx(mean.grad_norm * factor, rel=1e-4)


def test_a_reference_pulls_where_no_advantage_does(
    policy: Policy, reference: Policy, failing: list[Trajectory]
) -> None:
    batch, groups = batch_of(failing, "grpo")
    alone, _ = updated(policy, batch, groups, loss=LossConfig(kl=0.1), reference=policy)
    pulled, _ = updated(policy, batch, groups, loss=LossConfig(kl=0.1), reference=reference)
    assert (alone.ref_kl, alone.grad_norm) == (
        pytest.approx(0, abs=1e-9),
        pytest.approx(0, abs=1e-6),
    )
    assert pulled.ref_kl > 1e-4
    assert pulled.grad_norm > 1e-4


def test_further_passes_are_measured_from_the_policy_that_sampled(
    policy: Policy, failing: list[Trajectory]
) -> None:
    batch, groups = batch_of(failing, "ig_search")
    loud = replace(batch, advantages=100 * batch.advantages)
    once, _ = updated(policy, loud, groups)
    twice, _ = updated(policy, loud, groups, epochs=2)
    assert twice.tokens == 2 * once.tokens
    assert twice.kl > once.kl + 1e-8


def test_minibatches_are_steps_over_whole_groups(policy: Policy, failing: list[Trajectory]) -> None:
    batch, groups = batch_of(failing, "ig_search")
    _, two = updated(policy, batch, groups, minibatches=2)
    first = [row for row, group in enumerate(groups) if group < 2]
    second = [row for row, group in enumerate(groups) if group == 2]
    mine = replace(policy, model=copy.deepcopy(policy.model))
    for rows in (first, second):
        chosen = [groups[row] for row in rows]
        _, parameters = updated(mine, batch.rows(rows), chosen)
        mine.model.load_state_dict(parameters, strict=False)
    for name, parameter in two.items():
        torch.testing.assert_close(parameter, parameters[name], atol=1e-6, rtol=1e-5)


def test_a_rollout_without_an_answer_can_be_left_out(
    policy: Policy, failing: list[Trajectory]
) -> None:
    cut = [replace(failing[0], overflowed=True), *failing[1:]]
    table = step_table(cut, mask_truncated=True)
    batch = token_batch(cut, table, make_estimator("ig_search", {"dead_zone": 0.0})(table))
    assert batch.trained.any(dim=1).tolist() == [False] + [True] * (len(cut) - 1)
    assert not batch.advantages[0].any()
    kept = step_table(cut)
    assert token_batch(cut, kept, make_estimator("ig_search")(kept)).trained[0].any()


def test_dynamic_sampling_drops_what_the_modulated_advantage_leaves_silent(
    policy: Policy, failing: list[Trajectory]
) -> None:
    """All groups fail: grpo has nothing to keep, ig_search drops only the one without gains."""
    bare = [replace(t, gains=(None,) * len(t.turns)) for t in failing[:3]]
    batch, groups = batch_of([*bare, *failing[3:]], "ig_search")
    assert rows_of_loud_groups(groups, batch.advantages) == list(range(3, 9))
    silent, groups = batch_of(failing, "grpo")
    assert rows_of_loud_groups(groups, silent.advantages) == list(range(9))


def test_gradient_checkpointing_changes_no_gradient(
    policy: Policy, failing: list[Trajectory]
) -> None:
    batch, groups = batch_of(failing, "ig_search")
    saving = replace(policy, model=copy.deepcopy(policy.model))
    saving = prepare_policy(saving, PolicyConfig(gradient_checkpointing=True))
    (plain, before), (frugal, after) = (updated(p, batch, groups) for p in (policy, saving))
    assert frugal.grad_norm == pytest.approx(plain.grad_norm, rel=1e-5)
    for name, parameter in before.items():
        torch.testing.assert_close(after[name], parameter, atol=1e-6, rtol=1e-5)


def test_a_policy_in_bfloat16_is_trained(policy: Policy, failing: list[Trajectory]) -> None:
    batch, groups = batch_of(failing, "ig_search")
    short = replace(policy, model=copy.deepcopy(policy.model).bfloat16())
    (exact, _), (rounded, after) = (updated(p, batch, groups) for p in (policy, short))
    assert {parameter.dtype for parameter in after.values()} == {torch.bfloat16}
    assert rounded.grad_norm == pytest.approx(exact.grad_norm, rel=0.1)


def test_twenty_updates_end_where_the_reference_path_does(
    policy: Policy, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Shared tokens and cascade attention against a padded row per rollout, a mask per episode."""
    failed = failing_rollouts(policy, "plain")
    played = [replace(t, reward=float(row % 2)) for row, t in enumerate(failed)]
    fast, fast_parameters = twenty_updates(policy, played)
    monkeypatch.setattr("igs_agent.tree.forward._why_masked", lambda policy: "this is a test")
    reference, parameters = twenty_updates(policy, played)
    for ours, theirs in zip(fast, reference, strict=True):
        assert ours.forward_tokens < theirs.forward_tokens
        assert ours.loss == pytest.approx(theirs.loss, abs=1e-6)
    assert max(abs(stats.loss) for stats in fast) > 1e-3
    moved = parameters - flat(policy)
    assert float(moved.norm() / parameters.norm()) > 1e-4
    assert float((fast_parameters - parameters).norm() / parameters.norm()) < 1e-6


@torch.no_grad()
def flat(policy: Policy) -> torch.Tensor:
    return torch.nn.utils.parameters_to_vector(policy.model.parameters()).clone()


def twenty_updates(
    policy: Policy, played: list[Trajectory]
) -> tuple[list[UpdateStats], torch.Tensor]:
    """(what each update reports, all parameters at the end), on a copy; gains by the same path."""
    mine = replace(policy, model=copy.deepcopy(policy.model))
    optimizer = torch.optim.AdamW(mine.model.parameters(), lr=1e-4)
    measured = measure_gains(played, PolicyScorer(mine, played), OtherQuestionsSampler(), draws=2)
    batch, groups = batch_of(measured, "ig_search")
    stats = [
        update_policy(
            mine, optimizer, batch, LossConfig(), OptimConfig(), temperature=1.0, groups=groups
        )
        for _ in range(20)
    ]
    return stats, flat(mine)


def test_on_policy_the_ratio_is_one(policy: Policy, failing: list[Trajectory]) -> None:
    stats, _ = updated(policy, *batch_of(failing, "ig_search"))
    assert stats.kl == pytest.approx(0.0, abs=1e-6)
    assert stats.clip_share == 0.0


def test_what_stands_at_tokens_that_are_not_the_policys_changes_nothing(
    policy: Policy, failing: list[Trajectory]
) -> None:
    batch, groups = batch_of(failing, "ig_search")
    noise = torch.where(batch.trained, torch.zeros(()), torch.randn(batch.advantages.shape))
    changed = replace(
        batch,
        advantages=batch.advantages + noise,
        old_log_probs=batch.old_log_probs + noise,
    )
    _, before = updated(policy, batch, groups)
    _, after = updated(policy, changed, groups)
    assert all(torch.equal(before[name], after[name]) for name in before)


def test_what_stands_behind_the_last_policy_token_changes_nothing(
    policy: Policy, failing: list[Trajectory]
) -> None:
    cut = [
        replace(t, episode=replace(t.episode, steps=t.episode.steps[:1]), turns=t.turns[:1])
        for t in failing
    ]
    ended = [
        replace(
            t,
            token_ids=t.token_ids[: t.turns[0].observation_end],
            provenance=t.provenance[: t.turns[0].observation_end],
            log_probs=t.log_probs[: t.turns[0].observation_end],
            gains=t.gains[:1],
        )
        for t in cut
    ]
    other = []
    for t in ended:
        ids = t.token_ids.copy()
        ids[t.turns[0].end :] = 7
        other.append(replace(t, token_ids=ids))
    batch, _ = batch_of(ended, "ig_search")
    changed, _ = batch_of(other, "ig_search")
    before, _ = trained_log_probs(policy, batch, 1.0)
    after, _ = trained_log_probs(policy, changed, 1.0)
    torch.testing.assert_close(before, after, atol=1e-6, rtol=0)


def test_only_the_policys_tokens_are_trained(policy: Policy, failing: list[Trajectory]) -> None:
    batch, _ = batch_of(failing, "ig_search")
    for row, trajectory in enumerate(failing):
        length = len(trajectory.token_ids)
        assert batch.trained[row, :length].tolist() == trajectory.is_policy.tolist()
        assert not batch.trained[row, length:].any()
        query = policy.decode(trajectory.token_ids[trajectory.is_query])
        assert trajectory.episode.steps[0].action.query in query  # type: ignore[union-attr]


def test_a_loss_that_is_not_finite_changes_no_parameter(
    policy: Policy, failing: list[Trajectory]
) -> None:
    batch, groups = batch_of(failing, "ig_search")
    broken = replace(batch, advantages=torch.full_like(batch.advantages, float("nan")))
    mine = replace(policy, model=copy.deepcopy(policy.model))
    optimizer = torch.optim.SGD(mine.model.parameters(), lr=0.1)
    with pytest.raises(NonFiniteUpdateError, match="the loss is nan"):
        update_policy(
            mine, optimizer, broken, LossConfig(), OptimConfig(), temperature=1.0, groups=groups
        )
    for ours, theirs in zip(mine.model.parameters(), policy.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_gradient_that_is_not_finite_changes_no_parameter(
    policy: Policy, failing: list[Trajectory]
) -> None:
    """The loss of one token is still a number where the squares of its gradient are none."""
    batch, groups = batch_of(failing, "ig_search")
    huge = torch.zeros_like(batch.advantages)
    huge[0, failing[0].turns[0].start] = 3e38
    mine = replace(policy, model=copy.deepcopy(policy.model))
    optimizer = torch.optim.SGD(mine.model.parameters(), lr=0.1)
    with pytest.raises(NonFiniteUpdateError, match="the gradient's norm is"):
        update_policy(
            mine,
            optimizer,
            replace(batch, advantages=huge),
            LossConfig(),
            OptimConfig(),
            temperature=1.0,
            groups=groups,
        )
    assert all(parameter.grad is None for parameter in mine.model.parameters())
    for ours, theirs in zip(mine.model.parameters(), policy.model.parameters(), strict=True):
        assert torch.equal(ours, theirs)


def test_a_sampler_with_other_probabilities_is_corrected_once(
    policy: Policy, failing: list[Trajectory]
) -> None:
    """Had the sampler been half as sure of every token, each would count min(2, cap) times."""
    batch, _ = batch_of(failing, "ig_search")
    batch = replace(batch, advantages=batch.trained.float())
    optim = OptimConfig(max_grad_norm=1e9)
    halved = replace(batch, old_log_probs=batch.old_log_probs - math.log(2) * batch.trained)
    corrected = importance_corrected(policy, halved, 10.0, 1.0, optim)
    trained = batch.trained
    assert torch.allclose(corrected.old_log_probs[trained], batch.old_log_probs[trained], atol=1e-4)
    assert torch.allclose(corrected.advantages, 2 * batch.advantages, atol=1e-3)
    capped = importance_corrected(policy, halved, 1.5, 1.0, optim)
    assert torch.allclose(capped.advantages, 1.5 * batch.advantages, atol=1e-3)
    same = importance_corrected(policy, batch, 2.0, 1.0, optim)
    assert torch.allclose(same.advantages, batch.advantages, atol=1e-3)
