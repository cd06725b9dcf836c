"""Log-probabilities of chosen tokens from hidden states, with little kept for the gradient."""

from __future__ import annotations

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from igs_agent.policy import Policy, selected_log_probs


def head_log_probs(
    policy: Policy, hidden: Float[Tensor, "n D"], ids: Int[Tensor, " n"], temperature: float
) -> Float[Tensor, " n"]:
    """`selected_log_probs(policy.logits(hidden), ids, temperature)`, in a third of its memory.

    Where the gradient is wanted and the output embedding is a plain linear layer. Autograd would
    keep logits and tempered logits and make a gradient of each; here one matrix of that shape
    exists, which holds unnormalised probabilities after the forward pass and the gradient of the
    logits in the backward pass:

        ∂ log p(id) / ∂ logits = (onehot(id) − p) / temperature
    """
    head = policy.head
    plain = type(head) is nn.Linear and getattr(head, "bias", None) is None
    if not (plain and torch.is_grad_enabled()):
        return selected_log_probs(policy.logits(hidden), ids, temperature)
    found: Tensor = _HeadLogProbs.apply(  # type: ignore[no-untyped-call]
        hidden, head.weight, ids, temperature if temperature > 0 else 1.0
    )
    return found


class _HeadLogProbs(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, hidden: Tensor, weight: Tensor, ids: Tensor, temperature: float
    ) -> Tensor:
        device = hidden.device.type
        # As autocast casts the arguments of a linear layer.
        narrow = torch.is_autocast_enabled(device)
        dtype = torch.get_autocast_dtype(device) if narrow else weight.dtype
        states, matrix = hidden.to(dtype), weight.to(dtype)
        masses = (states @ matrix.T).float()
        if temperature != 1:
            masses /= temperature
        masses -= masses.amax(1, keepdim=True)
        found = masses.gather(1, ids[:, None])[:, 0]
        sums = masses.exp_().sum(1, keepdim=True)
        found -= sums[:, 0].log()
        ctx.save_for_backward(states, matrix, ids, sums)
        ctx.masses, ctx.temperature = masses, temperature
        ctx.dtypes = hidden.dtype, weight.dtype
        return found

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor | None, Tensor | None, None, None]:
        states, matrix, ids, sums = ctx.saved_tensors
        if ctx.masses is None:
            raise RuntimeError("head_log_probs keeps what it needs for one backward pass only")
        of_logits, ctx.masses = ctx.masses, None
        scale = (grad / ctx.temperature)[:, None]
        of_logits *= -scale / sums
        of_logits.scatter_add_(1, ids[:, None], scale)
        of_logits = of_logits.to(matrix.dtype)
        of_hidden = of_weight = None
        if ctx.needs_input_grad[0]:
            of_hidden = (of_logits @ matrix).to(ctx.dtypes[0])
        if ctx.needs_input_grad[1]:
            of_weight = (of_logits.T @ states).to(ctx.dtypes[1])
        return of_hidden, of_weight, None, None
