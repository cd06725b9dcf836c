"""Dynamic sampling: groups that say nothing are left out of the loss."""

from __future__ import annotations

from collections.abc import Sequence

from jaxtyping import Float
from torch import Tensor


def rows_of_loud_groups(groups: Sequence[int], advantages: Float[Tensor, "R T"]) -> list[int]:
    """Rows of the groups in which some token has an advantage; all rows where none has.

    DAPO (arXiv 2503.14476, eq. 11) drops groups whose rewards are all equal and samples others in
    their place. Differs: what counts is the *modulated* advantage, so that a group in which all
    fail stays where a gain speaks for it, and nothing is sampled anew.

    >>> import torch
    >>> rows_of_loud_groups([0, 0, 1, 1], torch.tensor([[0.0], [0.0], [0.0], [0.5]]))
    [2, 3]
    """
    loud = {g for g, row in zip(groups, advantages, strict=True) if bool((row != 0).any())}
    kept = [row for row, group in enumerate(groups) if group in loud]
    return kept or list(range(len(groups)))
