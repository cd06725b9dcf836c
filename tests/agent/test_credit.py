"""Credit: expected values as arithmetic, and what must hold for every table."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from igs_agent.batch import Credit, Signal, token_advantages
from igs_agent.credit import ESTIMATORS, make_estimator, signals_of
from igs_agent.credit.example import table
from igs_agent.credit.ig_search import (
    IGSearch,
    dead_zone,
    hard_clip,
    log_clip,
    shrink_negatives,
    silent_groups,
    tanh_clip,
)

REWARDS = st.lists(st.floats(-5, 5, allow_nan=False), min_size=2, max_size=8)


def values(tensor: torch.Tensor) -> list[float]:
    return tensor[:, 0].tolist()


def test_grpo_divides_by_the_unbiased_deviation() -> None:
    credit = make_estimator("grpo")(table(outcome=[1.0, 0.0, 0.0], group=[0, 0, 0]))
    deviation = math.sqrt(((2 / 3) ** 2 + 2 * (1 / 3) ** 2) / 2)
    expected = [(2 / 3) / (deviation + 1e-6), (-1 / 3) / (deviation + 1e-6)]
    assert values(credit.step)[:2] == pytest.approx(expected)


def test_dr_grpo_only_centres_and_rloo_leaves_one_out() -> None:
    rewards = table(outcome=[1.0, 0.0, 0.5], group=[0, 0, 0])
    assert values(make_estimator("dr_grpo")(rewards).step) == pytest.approx([0.5, -0.5, 0.0])
    expected = [1.0 - (0.0 + 0.5) / 2, 0.0 - (1.0 + 0.5) / 2, 0.5 - (1.0 + 0.0) / 2]
    assert values(make_estimator("rloo")(rewards).step) == pytest.approx(expected)


@pytest.mark.parametrize("name", ESTIMATORS)
@given(rewards=REWARDS)
def test_advantages_of_a_group_sum_to_zero(name: str, rewards: list[float]) -> None:
    credit = make_estimator(name)(table(outcome=rewards, group=[0] * len(rewards)))
    assert float(credit.step.sum()) == pytest.approx(0.0, abs=1e-6)


@pytest.mark.parametrize("name", ESTIMATORS)
@given(rewards=REWARDS, shift=st.floats(-3, 3))
def test_adding_a_constant_to_all_rewards_changes_nothing(
    name: str, rewards: list[float], shift: float
) -> None:
    if len(set(rewards)) > 1 and max(rewards) - min(rewards) < 1e-3:
        return  # differences that the shift itself would round away
    group = [0] * len(rewards)
    before = make_estimator(name)(table(outcome=rewards, group=group)).step
    after = make_estimator(name)(table(outcome=[r + shift for r in rewards], group=group)).step
    torch.testing.assert_close(before, after, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("name", ESTIMATORS)
@given(rewards=REWARDS, data=st.data())
def test_the_order_of_rollouts_does_not_matter(
    name: str, rewards: list[float], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(rewards))))
    group = [index % 2 for index in range(len(rewards))]
    before = make_estimator(name)(table(outcome=rewards, group=group)).step
    shuffled = table(outcome=[rewards[i] for i in order], group=[group[i] for i in order])
    torch.testing.assert_close(make_estimator(name)(shuffled).step, before[list(order)])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_t8_a_constant_group_gets_exactly_zero(name: str) -> None:
    noise = [0.1 + 0.2, 0.3, 0.3 + 1e-16, 0.1 * 3]
    credit = make_estimator(name)(table(outcome=noise, group=[0] * 4))
    assert values(credit.step) == [0.0] * 4


@pytest.mark.parametrize("name", ESTIMATORS)
def test_an_invalid_rollout_is_neither_compared_nor_credited(name: str) -> None:
    whole = make_estimator(name)(table(outcome=[1.0, 0.0], group=[0, 0]))
    masked = make_estimator(name)(
        table(outcome=[1.0, 0.0, 9.0], group=[0, 0, 0], outcome_valid=[True, True, False])
    )
    assert values(masked.step) == pytest.approx([*values(whole.step), 0.0])


@pytest.mark.parametrize("name", ESTIMATORS)
def test_a_group_that_masking_shrank_to_one_gets_zero(name: str) -> None:
    lonely = table(outcome=[1.0, 0.0], group=[0, 0], outcome_valid=[True, False])
    assert values(make_estimator(name)(lonely).step) == [0.0, 0.0]


def test_the_stages_of_stabilising() -> None:
    gain = torch.tensor([-3.0, -0.05, 0.05, 1.0, 4.0], dtype=torch.float64)
    assert dead_zone(gain, 0.1).tolist() == [-3.0, 0.0, 0.0, 1.0, 4.0]
    assert shrink_negatives(gain, 0.1).tolist() == pytest.approx([-0.3, -0.005, 0.05, 1.0, 4.0])
    clipped = [-(2 + math.log1p(3 - 2)), -0.05, 0.05, 1.0, 2 + math.log1p(4 - 2)]
    assert log_clip(gain, 2.0).tolist() == pytest.approx(clipped)
    assert tanh_clip(gain, 2.0)[4].item() == pytest.approx(2 * math.tanh(4 / 2))
    assert hard_clip(gain, 2.0).tolist() == [-2.0, -0.05, 0.05, 1.0, 2.0]


def test_the_log_clip_is_continuous_with_its_slope() -> None:
    gain = torch.tensor([2 - 1e-6, 2 + 1e-6], dtype=torch.float64, requires_grad=True)
    (slope,) = torch.autograd.grad(log_clip(gain, 2.0).sum(), gain)
    assert slope.tolist() == pytest.approx([1.0, 1.0], abs=1e-5)


def test_the_stages_come_in_the_papers_order() -> None:
    # −0.15 survives the dead zone before it is shrunk below it.
    (value,) = IGSearch().stabilised(torch.tensor([-0.15], dtype=torch.float64)).tolist()
    assert value == pytest.approx(0.1 * -0.15)


def test_the_gain_is_added_per_query_token_and_survives_an_advantage_of_zero() -> None:
    credit = IGSearch()(
        table(outcome=[0.0, 0.0], group=[0, 0], gain=[[1.0, 3.0], [None, -1.0]],
              query_length=[[2, 6], [4, 5]])
    )  # fmt: skip
    assert credit.step.tolist() == [[0.0, 0.0], [0.0, 0.0]]
    expected = [[0.3 * 1.0 / 2, 0.3 * (2 + math.log1p(3 - 2)) / 6], [0.0, 0.3 * -0.1 / 5]]
    for row, want in zip(credit.query.tolist(), expected, strict=True):
        assert row == pytest.approx(want)


def test_the_division_by_query_length_can_be_ablated() -> None:
    rewards = table(outcome=[0.0, 0.0], group=[0, 0], gain=[[1.0], [1.0]], query_length=[[2], [8]])
    assert values(IGSearch(per_token=False)(rewards).query) == pytest.approx([0.3, 0.3])


def test_a_rollout_that_does_not_count_gets_no_gain() -> None:
    rewards = table(
        outcome=[0.0, 0.0], group=[0, 0], gain=[[1.0], [1.0]], outcome_valid=[True, False]
    )
    assert values(IGSearch()(rewards).query)[1] == 0.0


def test_silent_groups_are_counted_by_how_they_are_silent() -> None:
    shares = silent_groups(table(outcome=[0, 0, 1, 1, 0, 1], group=[0, 0, 1, 1, 2, 2]))
    assert shares == {
        "groups/all_fail_share": pytest.approx(2 / 6),
        "groups/all_pass_share": pytest.approx(2 / 6),
    }


def test_tokens_that_the_policy_did_not_write_get_exactly_nothing() -> None:
    credit = Credit(step=torch.tensor([[1.0, 2.0]]), query=torch.tensor([[10.0, 20.0]]))
    step_index = torch.tensor([[-1, 0, 0, 0, 1, 1]])
    is_policy = torch.tensor([[False, True, True, False, True, False]])
    is_query = torch.tensor([[False, False, True, True, False, True]])
    found = token_advantages(credit, step_index, is_policy, is_query)
    assert found.tolist() == [[0.0, 1.0, 1.0 + 10.0, 0.0, 2.0, 0.0]]


def test_a_table_whose_parts_disagree_is_refused() -> None:
    good = table(outcome=[1.0, 0.0], group=[0, 0])
    bad = Signal(values=torch.zeros(3, 1), valid=torch.zeros(3, 1, dtype=torch.bool))
    with pytest.raises(ValueError, match="has shape"):
        replace(good, signals={"gain": bad})
    with pytest.raises(ValueError, match="not finite"):
        replace(good, outcome=torch.tensor([1.0, float("nan")]))
    with pytest.raises(ValueError, match="needs the signal 'gain'; measured were: none"):
        IGSearch()(replace(good, signals={}))


def test_only_estimators_that_read_the_gain_ask_for_it() -> None:
    assert {name for name in ESTIMATORS if "gain" in signals_of(make_estimator(name))} == {
        "chained_gain",
        "document_belief",
        "document_value",
        "ig_search",
        "placebo",
        "relayed_gain",
    }


@pytest.mark.parametrize(
    ("spec", "options", "message"),
    [
        ("grop", {}, "did you mean 'grpo'"),
        ("ig_search", {"alfa": 1.0}, "did you mean 'alpha'"),
        ("ig_search", {"clip": "soft"}, "no clip 'soft'"),
        ("ig_search", {"negative_factor": 2.0}, "negative_factor ≤ 1"),
    ],
)
def test_wrong_estimators_are_named(spec: str, options: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        make_estimator(spec, options)
