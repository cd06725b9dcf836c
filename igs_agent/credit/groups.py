"""Statistics within groups of rollouts of one question, or of their steps laid flat."""

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


def flat_group(group: Int[Tensor, " R"], steps: int) -> Int[Tensor, " R*S"]:
    """The group of every step, for statistics over steps rather than rollouts."""
    return group[:, None].expand(-1, steps).reshape(-1)


def population_variance(
    values: Float[Tensor, " R"], group: Int[Tensor, " R"], valid: Bool[Tensor, " R"]
) -> Float[Tensor, " R"]:
    """Mean squared distance from the mean of each rollout's group; 0 for groups of one."""
    mean, _ = group_mean(values, group, valid)
    squares = torch.where(valid, (values - mean) ** 2, torch.zeros_like(values))
    variance, _ = group_mean(squares, group, valid)
    return variance


def returns_to_go(
    rewards: Float[Tensor, "R S"], valid: Bool[Tensor, "R S"], discount: float
) -> Float[Tensor, "R S"]:
    """G_t = r_t + γ·G_{t+1} over the steps that exist, 0 elsewhere."""
    found = torch.zeros_like(rewards)
    following = rewards.new_zeros(len(rewards))
    for step in reversed(range(rewards.shape[1])):
        here = rewards[:, step] + discount * following
        following = torch.where(valid[:, step], here, following)
        found[:, step] = torch.where(valid[:, step], here, torch.zeros_like(here))
    return found
