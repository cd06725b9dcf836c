"""Statistics within groups of rollouts of one question."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

ZERO_VARIANCE = 1e-12
"""A group whose variance is below this is constant: a z-score would amplify float noise (T8)."""


def group_mean(
    values: Float[Tensor, " R"], group: Int[Tensor, " R"], valid: Bool[Tensor, " R"]
) -> tuple[Float[Tensor, " R"], Float[Tensor, " R"]]:
    """(mean over the valid members of each rollout's group, their number), per rollout."""
    _, index = torch.unique(group, return_inverse=True)
    weights = valid.to(values)
    groups = int(index.max()) + 1 if len(index) else 0
    count = values.new_zeros(groups).index_add(0, index, weights)
    total = values.new_zeros(groups).index_add(0, index, values * weights)
    return (total / count.clamp(min=1))[index], count[index]


def centred(
    values: Float[Tensor, " R"], group: Int[Tensor, " R"], valid: Bool[Tensor, " R"]
) -> Float[Tensor, " R"]:
    """Values minus their group's mean; 0 where invalid and in constant groups."""
    mean, _ = group_mean(values, group, valid)
    difference = torch.where(valid, values - mean, torch.zeros_like(values))
    return torch.where(is_constant(values, group, valid), torch.zeros_like(values), difference)


def sample_std(
    values: Float[Tensor, " R"], group: Int[Tensor, " R"], valid: Bool[Tensor, " R"]
) -> Float[Tensor, " R"]:
    """Unbiased standard deviation of each rollout's group; 0 for groups of one."""
    mean, count = group_mean(values, group, valid)
    squares = torch.where(valid, (values - mean) ** 2, torch.zeros_like(values))
    average, _ = group_mean(squares, group, valid)
    return (average * count / (count - 1).clamp(min=1)).sqrt()


def is_constant(
    values: Float[Tensor, " R"], group: Int[Tensor, " R"], valid: Bool[Tensor, " R"]
) -> Bool[Tensor, " R"]:
    """Whether the valid members of each rollout's group all have the same value."""
    return sample_std(values, group, valid) ** 2 < ZERO_VARIANCE


def broadcast(advantage: Float[Tensor, " R"], valid: Bool[Tensor, "R S"]) -> Float[Tensor, "R S"]:
    """A rollout's advantage on each of its steps."""
    return advantage[:, None] * valid.to(advantage)
