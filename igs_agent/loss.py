"""The policy loss: per-token terms first, aggregation apart, its denominator passed in.

Passing the denominator makes gradients of micro-batches, and of many ranks, add up to those of
one big batch.
"""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor


def clipped_surrogate(
    log_probs: Float[Tensor, "*n"],
    old_log_probs: Float[Tensor, "*n"],
    advantages: Float[Tensor, "*n"],
    *,
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Float[Tensor, "*n"]:
    """−min(r·A, clip(r, 1 − ε_low, 1 + ε_high)·A) with r = π/π_old, per token.

    PPO (Schulman et al. 2017, arXiv 1707.06347, eq. 7) with separate bounds (DAPO, arXiv
    2503.14476, eq. 10).

    >>> one = torch.ones(1)
    >>> clipped_surrogate(one.log() + 0.5, one.log(), one).item() == -1.2000000476837158
    True
    """
    ratio = (log_probs - old_log_probs).exp()
    bounded = ratio.clamp(1 - clip_low, 1 + clip_high)
    return -torch.minimum(ratio * advantages, bounded * advantages)


def is_clipped(
    log_probs: Float[Tensor, "*n"],
    old_log_probs: Float[Tensor, "*n"],
    advantages: Float[Tensor, "*n"],
    *,
    clip_low: float = 0.2,
    clip_high: float = 0.2,
) -> Bool[Tensor, "*n"]:
    """Where the surrogate's clip takes the gradient away."""
    ratio = (log_probs - old_log_probs).exp()
    above = (ratio > 1 + clip_high) & (advantages > 0)
    below = (ratio < 1 - clip_low) & (advantages < 0)
    return above | below


def kl_k3(
    log_probs: Float[Tensor, "*n"], ref_log_probs: Float[Tensor, "*n"]
) -> Float[Tensor, "*n"]:
    """r − 1 − log r with r = π_ref/π: unbiased for KL(π‖π_ref), never negative, per token.

    Schulman 2020, "Approximating KL divergence", estimator k3; GRPO (arXiv 2402.03300, eq. 4).
    """
    log_ratio = ref_log_probs - log_probs
    return log_ratio.exp() - 1 - log_ratio


def importance_weights(
    trained_log_probs: Float[Tensor, "*n"], sampled_log_probs: Float[Tensor, "*n"], cap: float
) -> Float[Tensor, "*n"]:
    """min(π_train/π_sample, cap) per token, without gradient.

    Truncated importance sampling for the mismatch between the engine that sampled and the one
    that trains (Yao et al. 2025).
    """
    return (trained_log_probs - sampled_log_probs).detach().exp().clamp(max=cap)


def token_mean(
    per_token: Float[Tensor, "*n"], mask: Bool[Tensor, "*n"], denominator: float
) -> Float[Tensor, ""]:
    """Sum over masked-in tokens / denominator.

    With the number of trained tokens of the whole batch as denominator this is DAPO's token
    mean; with a constant (rollouts × greatest length) it is Dr. GRPO's.
    """
    return torch.where(mask, per_token, torch.zeros_like(per_token)).sum() / denominator
