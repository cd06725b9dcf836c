"""The native generator against transformers' own `generate` and against full forwards."""

from __future__ import annotations

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_world import small_task

from igs_agent.generation import Request, Sampling
from igs_agent.generation.few_rows import turned_products
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.text_scorer import token_log_probs
from igs_agent.trajectory import Trajectory, check
from igs_env.errors import ConfigurationError
from igs_env.task import Task

NEAR_TIE = 1e-4


def rolled(
    policy: Policy, task: Task, *, temperature: float = 1.0, max_rows: int = 256
) -> list[Trajectory]:
    return rollout(
        task.rules,
        policy,
        NativeGenerator(policy),
        RolloutPlan(questions=task.questions[:3], group_size=3, seed=5),
        Sampling(temperature=temperature, max_tokens=20),
        max_rows=max_rows,
    )


def test_greedy_equals_transformers_generate_up_to_near_ties(policy: Policy, task: Task) -> None:
    prompts = [policy.encode_prompt(f"Question: {q.text}\n") for q in task.questions[:6]]
    requests = [Request(key=str(i), token_ids=p, seed=i, turn=0) for i, p in enumerate(prompts)]
    ours = NativeGenerator(policy).generate(requests, Sampling(temperature=0, max_tokens=24))
    for prompt, completion in zip(prompts, ours, strict=True):
        theirs = policy.model.generate(  # type: ignore[operator]
            torch.tensor([prompt]), do_sample=False, max_new_tokens=24, pad_token_id=0
        )[0, len(prompt) :].tolist()
        for place, (a, b) in enumerate(zip(completion.token_ids, theirs, strict=False)):
            if a != b:
                assert top_two_gap(policy, prompt + theirs[:place]) < NEAR_TIE
                break


def top_two_gap(policy: Policy, ids: list[int]) -> float:
    with torch.no_grad():
        logits = policy.model(torch.tensor([ids])).logits[0, -1]  # type: ignore[operator]
    first, second = logits.topk(2).values.tolist()
    return float(first - second)


def test_sampled_log_probs_equal_those_of_a_fresh_forward(policy: Policy, task: Task) -> None:
    for trajectory in rolled(policy, task):
        ids = trajectory.token_ids.tolist()
        for turn in trajectory.turns:
            (fresh,) = token_log_probs(policy, [ids[: turn.end]], [slice(turn.start, turn.end)])
            sampled = trajectory.log_probs[turn.start : turn.end]
            np.testing.assert_allclose(sampled, fresh, atol=1e-4)


def test_a_row_does_not_depend_on_the_batch_that_it_is_in(policy: Policy, task: Task) -> None:
    together, few = rolled(policy, task), rolled(policy, task, max_rows=2)
    for ours, theirs in zip(together, few, strict=True):
        assert ours.token_ids.tolist() == theirs.token_ids.tolist()
        np.testing.assert_allclose(ours.log_probs, theirs.log_probs, atol=1e-5)


def test_members_of_a_group_draw_differently(policy: Policy, task: Task) -> None:
    outputs = {tuple(t.token_ids.tolist()) for t in rolled(policy, task)[:3]}
    assert len(outputs) == 3


def test_members_share_a_row_until_they_draw_differently(policy: Policy, task: Task) -> None:
    """Cold sampling: members write alike for a while, part, and go on after others have stopped."""
    generator, sampling = NativeGenerator(policy), Sampling(temperature=0.03, max_tokens=20)
    plan = RolloutPlan(questions=task.questions[:3], group_size=6, seed=5)
    trajectories = rollout(task.rules, policy, generator, plan, sampling)
    alone = [
        t
        for members in (1, 2)
        for t in rollout(
            task.rules, policy, NativeGenerator(policy), plan, sampling, max_rows=members
        )
    ]
    for ours, theirs in zip([*trajectories, *trajectories], alone, strict=True):
        assert ours.token_ids.tolist() == theirs.token_ids.tolist()
        np.testing.assert_allclose(ours.log_probs, theirs.log_probs, atol=1e-5)
    beginnings = {tuple(t.token_ids[:n]) for t in trajectories for n in range(len(t.token_ids))}
    assert len(beginnings) < sum(len(t.token_ids) for t in trajectories) / 2
    assert generator.forward_tokens < 1.5 * len(beginnings)


def test_every_trajectory_is_consistent_under_every_protocol(policy: Policy) -> None:
    for protocol in ("plain", "search-r1", "autorefine"):
        for trajectory in rolled(policy, small_task(protocol)):
            check(trajectory)
            for step, turn in zip(trajectory.episode.steps, trajectory.turns, strict=True):
                written = policy.decode(trajectory.token_ids[turn.start : turn.end])
                assert written.startswith(step.output)
                assert len(written) - len(step.output) == step.discarded


def test_a_prompt_that_members_share_is_computed_once(policy: Policy, task: Task) -> None:
    prompt = policy.encode_prompt(f"Question: {task.questions[0].text}\n")
    generator = NativeGenerator(policy)
    generator.generate(
        [Request(key=str(i), token_ids=prompt, seed=i, turn=0) for i in range(5)],
        Sampling(max_tokens=1),
    )
    assert generator.forward_tokens == len(prompt)


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_masks_mean_the_same_to_every_attention(policy: Policy, task: Task, attention: str) -> None:
    """Eager attention adds its mask: true and false, taken as 1 and 0, would let a row see all."""
    mine = replace(policy, model=copy.deepcopy(policy.model))
    mine.model.set_attn_implementation(attention)  # type: ignore[operator]
    for trajectory in rolled(mine, task):
        ids = trajectory.token_ids.tolist()
        for turn in trajectory.turns:
            (fresh,) = token_log_probs(policy, [ids[: turn.end]], [slice(turn.start, turn.end)])
            sampled = trajectory.log_probs[turn.start : turn.end]
            np.testing.assert_allclose(sampled, fresh, atol=1e-4)


def test_an_attention_that_takes_no_masks_is_named(policy: Policy, task: Task) -> None:
    mine = replace(policy, model=copy.deepcopy(policy.model))
    mine.model.config._attn_implementation = "flash_attention_2"  # type: ignore[union-attr]
    with pytest.raises(ConfigurationError, match="attn_implementation"):
        rolled(mine, task)


@pytest.mark.parametrize("bias", [False, True])
@pytest.mark.parametrize("shape", [(1, 16), (2, 16), (8, 1, 16), (9, 1, 16), (2, 3, 16)])
def test_products_of_few_rows_are_the_same_the_other_way_round(
    policy: Policy, shape: tuple[int, ...], bias: bool
) -> None:
    torch.manual_seed(0)
    layer = torch.nn.Linear(16, 24, bias=bias)
    other = replace(policy, model=torch.nn.Sequential(layer))
    rows = torch.randn(shape)
    with torch.no_grad():
        expected = layer(rows)
        with turned_products(other):
            found = layer(rows)
            assert "forward" in vars(layer)
    assert "forward" not in vars(layer)
    torch.testing.assert_close(found, expected, atol=1e-6, rtol=1e-6)
    assert found.is_contiguous()


def test_a_layer_that_another_library_has_hooked_is_left_alone(policy: Policy) -> None:
    layer = torch.nn.Linear(4, 4)
    layer.forward = hooked = lambda rows: rows  # type: ignore[method-assign]
    with turned_products(replace(policy, model=torch.nn.Sequential(layer))):
        assert layer.forward is hooked
    assert layer.forward is hooked
