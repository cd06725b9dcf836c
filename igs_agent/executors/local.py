"""`local`: one process, which is all there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import torch
from torch import Tensor

from igs_agent.executors.contract import Chunk
from igs_agent.policy import Policy
from igs_agent.trained_tokens import TrainedTokens

T = TypeVar("T")


class LocalExecutor:
    """The only rank; see `Executor` for what each method means."""

    rank, ranks, trains = 0, 1, True

    def gather(self, value: T) -> list[T]:
        """Its value."""
        return [value]

    def agree(self, value: T) -> T:
        """Its value."""
        return value

    def trained(self, policy: Policy) -> Policy:
        """The policy that plays."""
        return policy

    def publish(self, trained: Policy, policy: Policy) -> None:
        """They are the same."""

    def whole_state(self, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        """The optimiser's."""
        return optimizer.state_dict()

    def load_state(self, optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
        """Into the optimiser."""
        optimizer.load_state_dict(dict(state))

    def close(self) -> None:
        """Nobody listens."""

    def share(self, lengths: Sequence[int], trained: Sequence[int]) -> list[int]:
        """Every row."""
        del trained
        return list(range(len(lengths)))

    def even(self, chunks: list[Chunk]) -> list[Chunk]:
        """As they are."""
        return chunks

    def log_probs(self, policy: Policy, tokens: TrainedTokens, temperature: float) -> Tensor:
        """Theirs."""
        return tokens.log_probs(policy, temperature)

    def add_gradients(self, parameters: Sequence[Tensor]) -> None:
        """They are whole."""

    def clip_gradients(self, parameters: Sequence[Tensor], most: float) -> float:
        """By `torch.nn.utils.clip_grad_norm_`."""
        return float(torch.nn.utils.clip_grad_norm_(parameters, most))

    def add(self, sums: Mapping[str, float]) -> dict[str, float]:
        """The numbers."""
        return dict(sums)


LOCAL = LocalExecutor()
