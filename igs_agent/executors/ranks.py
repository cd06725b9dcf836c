"""Ranks of a torch.distributed process group: data parallel, every rank with the whole policy."""

from __future__ import annotations

import faulthandler
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar

import torch
import torch.distributed as dist
from torch import Tensor

from igs_agent.executors.contract import Chunk
from igs_agent.executors.local import LocalExecutor
from igs_agent.executors.packing import balanced
from igs_agent.policy import Policy
from igs_env.errors import ConfigurationError

T = TypeVar("T")

PATIENCE = timedelta(minutes=30)
"""How long a rank waits for another before it gives up."""
JOINING = 180.0
"""Seconds in which all ranks must have met; one that gives up is started again, where whoever
started it does so."""


@contextmanager
def _ends_unless_joined() -> Iterator[None]:
    """Ends the process when the block takes too long.

    A time-out of the group itself would hold for everything that it does later, too.
    """
    faulthandler.dump_traceback_later(JOINING, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


class RankExecutor(LocalExecutor):
    """A rank that has the whole policy and adds gradients.

    The loss of each rank's tokens is divided by a denominator of all ranks' tokens, so that the
    sum of their gradients is the gradient of one process, up to the order of additions.

    Objects are pickled between the ranks: they are processes of one run and trust each other.
    """

    def __init__(self, *, playing: int = 0) -> None:
        """Join the group that the environment describes, as torchrun does (RANK, WORLD_SIZE, …).

        Args:
            playing: how many of the ranks, the last ones, play and score but do not train.
        """
        with _ends_unless_joined():
            if not dist.is_initialized():
                backend = "cpu:gloo,cuda:nccl" if _gpu() else "gloo"
                dist.init_process_group(backend, timeout=PATIENCE)
        self.rank, self.ranks = dist.get_rank(), dist.get_world_size()
        if not 0 <= playing < self.ranks:
            raise ConfigurationError(
                f"executor.playing is {playing}, but of {self.ranks} ranks at least one must train"
            )
        training = list(range(self.ranks - playing))
        with _ends_unless_joined():
            self.training = dist.new_group(training)
        self.training_ranks = len(training)
        self.trains = self.rank in training

    def gather(self, value: T) -> list[T]:
        """Over the process group."""
        values: list[Any] = [None] * self.ranks
        dist.all_gather_object(values, value)
        return values

    def agree(self, value: T) -> T:
        """Over the process group."""
        values = [value]
        dist.broadcast_object_list(values, src=0)
        return values[0]

    def publish(self, trained: Policy, policy: Policy) -> None:
        """Ranks that train have them; to those that only play they are broadcast."""
        del trained
        if self.training_ranks < self.ranks:
            for tensor in policy.model.state_dict().values():
                dist.broadcast(tensor, src=0)

    def close(self) -> None:
        """Leave the group."""
        if dist.is_initialized():
            dist.destroy_process_group()

    def share(self, lengths: Sequence[int], trained: Sequence[int]) -> list[int]:
        """A run of the rows that are trained on, balanced by their tokens."""
        wanted = [row for row, count in enumerate(trained) if count]
        parts = balanced([lengths[row] for row in wanted], self.training_ranks)
        return [wanted[place] for place in parts[self.rank]]

    def even(self, chunks: list[Chunk]) -> list[Chunk]:
        """As they are: nothing is said between chunks."""
        return chunks

    def add_gradients(self, parameters: Sequence[Tensor]) -> None:
        """By one all-reduce per kind of tensor; a rank without rows adds nothing."""
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)
        kinds: dict[tuple[torch.dtype, torch.device], list[Tensor]] = {}
        for parameter in parameters:
            assert parameter.grad is not None
            kinds.setdefault((parameter.grad.dtype, parameter.grad.device), []).append(
                parameter.grad
            )
        for gradients in kinds.values():
            flat = torch.cat([gradient.reshape(-1) for gradient in gradients])
            dist.all_reduce(flat, group=self.training)
            parts = torch.split(flat, [gradient.numel() for gradient in gradients])
            for gradient, part in zip(gradients, parts, strict=True):
                gradient.copy_(part.view_as(gradient))

    def add(self, sums: Mapping[str, float]) -> dict[str, float]:
        """In double precision."""
        values = torch.tensor(list(sums.values()), dtype=torch.float64)
        dist.all_reduce(values, group=self.training)
        return dict(zip(sums, values.tolist(), strict=True))


def is_rank() -> bool:
    """Whether this process was started as one of several ranks."""
    return "RANK" in os.environ and "WORLD_SIZE" in os.environ


def _gpu() -> bool:
    if not torch.cuda.is_available():
        return False
    torch.cuda.set_device(int(os.environ.get("LOCAL_RANK", "0")))
    return True
