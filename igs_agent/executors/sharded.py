"""Ranks that hold the trained policy in shards: FSDP2's `fully_shard`."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import DeviceMesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor

from igs_agent.executors.contract import Chunk
from igs_agent.executors.ranks import RankExecutor
from igs_agent.policy import Policy
from igs_agent.trained_tokens import TrainedTokens


class ShardedExecutor(RankExecutor):
    """A rank that trains a shard of every parameter and plays with a whole copy.

    Parameters, gradients and optimiser are divided over the ranks that train (ZeRO-3, by FSDP2);
    layers are gathered when they are needed. Gradients are summed, not averaged: the loss has the
    denominator of all ranks. What plays, scores and is saved is a whole copy per rank, renewed
    after each update.
    """

    def __init__(self, *, playing: int = 0, half: bool = False) -> None:
        """`half`: gather and multiply in bfloat16; shards and gradients keep their precision."""
        super().__init__(playing=playing)
        self._half = half
        self._forward: nn.Module | None = None
        self._mesh: DeviceMesh | None = None

    def trained(self, policy: Policy) -> Policy:
        """A copy in shards."""
        if not self.trains:
            return policy
        self._mesh = DeviceMesh.from_group(self.training, policy.device.type)
        precision = MixedPrecisionPolicy(
            param_dtype=torch.bfloat16 if self._half else None,
            reduce_dtype=torch.float32,
            cast_forward_inputs=False,
        )
        mine = replace(policy, model=copy.deepcopy(policy.model))
        root = _LogProbs(mine)
        for layer in _layers(mine.model):
            fully_shard(layer, mesh=self._mesh, mp_policy=precision)
        fully_shard(root, mesh=self._mesh, mp_policy=precision)
        for module in root.modules():
            if isinstance(module, FSDPModule):
                module.set_force_sum_reduction_for_comms(True)
                module.set_gradient_divide_factor(1.0)
        self._forward = root
        return mine

    def publish(self, trained: Policy, policy: Policy) -> None:
        """Gather every parameter into the whole copies."""
        if self.trains:
            whole = dict(policy.model.named_parameters())
            with torch.no_grad():
                for name, parameter in trained.model.named_parameters():
                    if parameter.requires_grad:
                        whole[name].copy_(_whole(parameter))
        super().publish(trained, policy)

    def whole_state(self, optimizer: torch.optim.Optimizer) -> dict[str, Any]:
        """The shards' states gathered."""
        if not self.trains:
            return optimizer.state_dict()
        state = optimizer.state_dict()
        gathered = {
            number: {name: _whole(value) for name, value in of.items()}
            for number, of in state["state"].items()
        }
        return {**state, "state": gathered}

    def load_state(self, optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
        """Each rank takes its shards."""
        if self.trains:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            divided = {
                number: {
                    name: self._divided(value, parameters[number]) for name, value in of.items()
                }
                for number, of in state["state"].items()
            }
            state = {**state, "state": divided}
        optimizer.load_state_dict(dict(state))

    def even(self, chunks: list[Chunk]) -> list[Chunk]:
        """As many as the rank with the most: every forward gathers layers, on all ranks at once."""
        counts = torch.zeros(self.training_ranks, dtype=torch.long)
        counts[self.rank] = len(chunks)
        dist.all_reduce(counts, group=self.training)
        return chunks + [[] for _ in range(int(counts.max()) - len(chunks))]

    def log_probs(self, policy: Policy, tokens: TrainedTokens, temperature: float) -> Tensor:
        """Through FSDP's hooks for the policy in shards."""
        if isinstance(self._forward, _LogProbs) and policy is self._forward.policy:
            found: Tensor = self._forward(tokens, temperature)
            return found
        return tokens.log_probs(policy, temperature)

    def add_gradients(self, parameters: Sequence[Tensor]) -> None:
        """FSDP did; a shard that nothing was asked of has a gradient of 0."""
        for parameter in parameters:
            if parameter.grad is None:
                parameter.grad = torch.zeros_like(parameter)

    def clip_gradients(self, parameters: Sequence[Tensor], most: float) -> float:
        """The norm is that of all shards."""
        return float(_whole(torch.nn.utils.clip_grad_norm_(parameters, most)))

    def _divided(self, value: Any, like: Tensor) -> Any:
        if isinstance(like, DTensor) and isinstance(value, Tensor) and value.shape == like.shape:
            # Every rank has read the same checkpoint: nothing needs to be sent.
            return distribute_tensor(
                value.to(like.device), like.device_mesh, like.placements, src_data_rank=None
            )
        return value


class _LogProbs(nn.Module):
    """The policy's forward as FSDP needs it: one module that all parameters are below."""

    def __init__(self, policy: Policy) -> None:
        super().__init__()
        self.model = policy.model
        self.policy = policy

    def forward(self, tokens: TrainedTokens, temperature: float) -> Tensor:
        return tokens.log_probs(self.policy, temperature)


def _layers(model: Any) -> list[nn.Module]:
    base = model.get_base_model() if hasattr(model, "get_base_model") else model
    return list(base.get_decoder().layers)


def _whole(value: Any) -> Any:
    return value.full_tensor() if isinstance(value, DTensor) else value
