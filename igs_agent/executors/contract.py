"""What the trainer's loop and the update ask of the ranks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from igs_agent.policy import Policy
from igs_agent.trained_tokens import TrainedTokens

T = TypeVar("T")

Chunk = list[int]
"""Rows of a batch that go through the model together."""


class Executor(Protocol):
    """One of `ranks` processes that run the same loop.

    Every method but those of `trains` is called by all ranks, in the same order.
    """

    rank: int
    ranks: int
    trains: bool
    """False for a rank that only plays and scores."""

    def gather(self, value: T) -> list[T]:
        """Every rank's value, in order."""
        ...

    def agree(self, value: T) -> T:
        """Rank 0's value."""
        ...

    def trained(self, policy: Policy) -> Policy:
        """The policy whose parameters are trained: this one, or a copy held in shards."""
        ...

    def publish(self, trained: Policy, policy: Policy) -> None:
        """Put the trained parameters into every rank's `policy`, which plays."""
        ...

    def whole_state(self, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        """`optimizer.state_dict()` as one process would have it."""
        ...

    def load_state(self, optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
        """The reverse of `whole_state`, whatever layout the state was taken from."""
        ...

    def close(self) -> None:
        """Nothing more will be said."""
        ...

    # Among the ranks that train:

    def share(self, lengths: Sequence[int], trained: Sequence[int]) -> list[int]:
        """Rows whose gradient is this rank's to compute; together the ranks have every row.

        Args:
            lengths: each row's tokens.
            trained: each row's trained tokens.
        """
        ...

    def even(self, chunks: list[Chunk]) -> list[Chunk]:
        """The chunks, with empty ones where all ranks must have equally many."""
        ...

    def log_probs(self, policy: Policy, tokens: TrainedTokens, temperature: float) -> Tensor:
        """`tokens.log_probs` under a policy, which may be the one that `trained` gave."""
        ...

    def add_gradients(self, parameters: Sequence[Tensor]) -> None:
        """Make every gradient the sum of the ranks'."""
        ...

    def clip_gradients(self, parameters: Sequence[Tensor], most: float) -> float:
        """Scale the whole gradient to a norm of at most `most`; its norm before."""
        ...

    def add(self, sums: Mapping[str, float]) -> dict[str, float]:
        """Each number summed over the ranks."""
        ...
