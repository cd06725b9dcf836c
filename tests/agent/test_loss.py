"""The loss by arithmetic, and micro-batches that add up."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from igs_agent.loss import clipped_surrogate, importance_weights, is_clipped, kl_k3, token_mean


def tensor(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def test_the_surrogate_is_clipped_where_it_would_gain_and_nowhere_else() -> None:
    ratio = tensor(1.5, 1.5, 0.5, 0.5, 1.1)
    advantage = tensor(1.0, -1.0, 1.0, -1.0, 2.0)
    found = clipped_surrogate(ratio.log(), torch.zeros(5), advantage, clip_low=0.2, clip_high=0.3)
    assert found.tolist() == pytest.approx([-1.3, 1.5, -0.5, 0.8, -2.2])
    touched = is_clipped(ratio.log(), torch.zeros(5), advantage, clip_low=0.2, clip_high=0.3)
    assert touched.tolist() == [True, False, False, True, False]


def test_on_policy_the_gradient_is_that_of_the_policy_gradient() -> None:
    log_probs = tensor(-1.0, -2.0).requires_grad_()
    loss = clipped_surrogate(log_probs, log_probs.detach(), tensor(0.5, -0.25)).sum()
    (gradient,) = torch.autograd.grad(loss, log_probs)
    assert gradient.tolist() == [-0.5, 0.25]


@given(st.floats(-5, 0), st.floats(-5, 0))
def test_k3_is_never_negative_and_zero_only_where_equal(own: float, reference: float) -> None:
    (value,) = kl_k3(tensor(own), tensor(reference)).tolist()
    ratio = math.exp(reference - own)
    assert value == pytest.approx(ratio - 1 - math.log(ratio), abs=1e-9)
    assert value >= -1e-12


def test_importance_weights_are_capped_and_carry_no_gradient() -> None:
    trained = tensor(math.log(6), math.log(0.5)).requires_grad_()
    weights = importance_weights(trained, torch.zeros(2), 2.0)
    assert weights.tolist() == pytest.approx([2.0, 0.5])
    assert not weights.requires_grad


@given(st.lists(st.floats(-3, 3), min_size=2, max_size=12), st.data())
def test_micro_batches_with_one_denominator_add_up(
    values: list[float], data: st.DataObject
) -> None:
    cut = data.draw(st.integers(1, len(values) - 1))
    mask = torch.tensor([index % 3 != 0 for index in range(len(values))])
    every = tensor(*values)
    whole = token_mean(every, mask, 7.0)
    parts = token_mean(every[:cut], mask[:cut], 7.0) + token_mean(every[cut:], mask[cut:], 7.0)
    assert parts.item() == pytest.approx(whole.item(), abs=1e-12)


def test_a_masked_token_gets_no_gradient_whatever_its_value() -> None:
    values = tensor(1.0, float("inf"), 2.0).requires_grad_()
    loss = token_mean(values, torch.tensor([True, False, True]), 2.0)
    (gradient,) = torch.autograd.grad(loss, values)
    assert (loss.item(), gradient.tolist()) == (1.5, [0.5, 0.0, 0.5])
