"""Our loss and its gradient are the numbers that verl and TRL compute."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from recorded_cases import cases

from igs_agent.loss import clipped_surrogate, importance_weights, kl_k3, token_mean

WITHIN = {"atol": 1e-6, "rtol": 1e-6}


def tensor(values: Any) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)


def check(
    case: dict[str, Any],
    theirs: dict[str, Any],
    denominator: float,
    *,
    weights: torch.Tensor | None = None,
    beta: float = 0.0,
) -> None:
    inputs, options = case["inputs"], case["options"]
    log_probs = tensor(inputs["log_probs"]).requires_grad_()
    per_token = clipped_surrogate(
        log_probs,
        tensor(inputs["old_log_probs"]),
        tensor(inputs["advantages"]),
        clip_low=options["clip_low"],
        clip_high=options["clip_high"],
    )
    if weights is not None:
        per_token = per_token * weights
    per_token = per_token + beta * kl_k3(log_probs, tensor(inputs["ref_log_probs"]))
    loss = token_mean(per_token, torch.tensor(inputs["mask"]), denominator)
    (gradient,) = torch.autograd.grad(loss, log_probs)
    torch.testing.assert_close(loss.detach(), tensor(theirs["loss"]), **WITHIN)
    torch.testing.assert_close(gradient, tensor(theirs["gradient"]), **WITHIN)


def tokens(case: dict[str, Any]) -> float:
    return float(tensor(case["inputs"]["mask"]).sum())


def constant(case: dict[str, Any]) -> float:
    return float(len(case["inputs"]["mask"]) * case["options"]["constant_length"])


@pytest.mark.parametrize("source", ["verl", "trl"])
def test_the_clipped_loss_under_both_aggregations(source: str) -> None:
    for case in cases(source):
        check(case, case["outputs"]["token_mean"], tokens(case))
        check(case, case["outputs"]["constant"], constant(case))


def test_the_loss_with_k3_equals_trls() -> None:
    for case in cases("trl"):
        theirs = case["outputs"]["token_mean_with_kl"]
        check(case, theirs, tokens(case), beta=case["options"]["beta"])


def test_k3_equals_verls() -> None:
    for case in cases("verl"):
        inputs = case["inputs"]
        found = kl_k3(tensor(inputs["log_probs"]), tensor(inputs["ref_log_probs"]))
        # verl clamps the estimate to 10, which none of these reaches.
        assert float(found.max()) > 5
        kept = found < 10
        torch.testing.assert_close(found[kept], tensor(case["outputs"]["k3"])[kept], **WITHIN)


def test_truncated_importance_sampling_equals_verls() -> None:
    for case in cases("verl"):
        inputs, cap = case["inputs"], case["options"]["importance_cap"]
        # The recipe has the reference's log-probabilities stand for the sampling engine's.
        weights = importance_weights(
            tensor(inputs["old_log_probs"]), tensor(inputs["ref_log_probs"]), cap
        )
        mask = tensor(inputs["mask"])
        theirs = tensor(case["outputs"]["importance_weights"])
        torch.testing.assert_close(weights * mask, theirs, **WITHIN)
        assert (theirs == cap).any()
        check(case, case["outputs"]["weighted_token_mean"], tokens(case), weights=weights)
