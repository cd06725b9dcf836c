"""Log-probabilities straight from hidden states equal those by way of logits."""

from __future__ import annotations

import copy
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from igs_agent.head_log_probs import head_log_probs
from igs_agent.policy import Policy, selected_log_probs


def values_and_gradients(policy: Policy, function: object, **autocast: object) -> list[Tensor]:
    """(log-probabilities, gradient of the states, gradient of the output embedding)."""
    generator = torch.Generator().manual_seed(0)
    width = policy.head.weight.shape[1]
    hidden = torch.randn(40, width, generator=generator).requires_grad_()
    ids = torch.randint(0, len(policy.head.weight), (40,), generator=generator)
    with torch.autocast("cpu", torch.bfloat16, enabled=bool(autocast)):
        values = function(policy, hidden, ids)  # type: ignore[operator]
    weights = torch.randn(40, generator=generator)
    return [
        values.detach(),
        *torch.autograd.grad((values * weights).sum(), [hidden, policy.head.weight]),
    ]


def by_way_of_logits(temperature: float) -> object:
    return lambda policy, hidden, ids: selected_log_probs(policy.logits(hidden), ids, temperature)


def straight(temperature: float) -> object:
    return lambda policy, hidden, ids: head_log_probs(policy, hidden, ids, temperature)


@pytest.mark.parametrize("temperature", [1.0, 0.7, 0.0])
def test_values_and_gradients_are_those_by_way_of_logits(
    policy: Policy, temperature: float
) -> None:
    theirs = values_and_gradients(policy, by_way_of_logits(temperature))
    ours = values_and_gradients(policy, straight(temperature))
    for found, expected in zip(ours, theirs, strict=True):
        assert float((found - expected).norm() / expected.norm()) < 1e-6


def test_half_precision_stays_within_its_own_rounding(policy: Policy) -> None:
    exact = values_and_gradients(policy, by_way_of_logits(1.0))
    theirs = values_and_gradients(policy, by_way_of_logits(1.0), autocast=True)
    ours = values_and_gradients(policy, straight(1.0), autocast=True)
    for found, other, expected in zip(ours, theirs, exact, strict=True):
        error = float((other - expected).norm() / expected.norm())
        assert 0 < error < 0.02
        assert float((found - expected).norm() / expected.norm()) < 1.5 * error


def test_an_output_embedding_with_a_bias_goes_by_way_of_logits(policy: Policy) -> None:
    model = copy.deepcopy(policy.model)
    head = torch.nn.Linear(policy.head.in_features, policy.head.out_features)
    torch.nn.init.normal_(head.bias)
    model.set_output_embeddings(head)  # type: ignore[operator]
    other = replace(policy, model=model)
    theirs = values_and_gradients(other, by_way_of_logits(1.0))
    ours = values_and_gradients(other, straight(1.0))
    for found, expected in zip(ours, theirs, strict=True):
        torch.testing.assert_close(found, expected)


def test_a_second_backward_pass_is_refused(policy: Policy) -> None:
    hidden = torch.randn(3, policy.head.weight.shape[1]).requires_grad_()
    value = head_log_probs(policy, hidden, torch.tensor([1, 2, 3]), 1.0).sum()
    value.backward(retain_graph=True)  # type: ignore[no-untyped-call]
    policy.head.weight.grad = None
    with pytest.raises(RuntimeError, match="one backward pass only"):
        value.backward()  # type: ignore[no-untyped-call]
