"""Attention over a tree of spans by one flash call per pair of spans, merged by log-sum-exp.

A softmax over the union of two sets of keys is the two softmaxes weighted by their shares of the
normaliser. So a shared span's keys are read once for all who see them, no mask is ever built, and
nothing is computed that a mask would hide. (Cascade attention, as in FlashInfer, arXiv 2501.01005;
its backward, here, is the flash backward of every call with the *merged* output and normaliser.)
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from igs_agent.tree.token_tree import Call

HALVED = 1024
"""*Ours*: a longer span's attention to itself is split. The causal kernel works in blocks of up to
256 queries by 512 keys, of which those on the diagonal are half in vain: a sixth of the time at
3,500 tokens and heads of 32, a twentieth at heads of 64."""

_forward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu
_backward = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu_backward


def cascade_attention(
    query: Float[Tensor, "1 H n D"],
    key: Float[Tensor, "1 H T D"],
    value: Float[Tensor, "1 H T D"],
    calls: Sequence[Call],
    scale: float,
) -> Float[Tensor, "1 H n D"]:
    """What every token reads from those that it sees, on a CPU, with gradient.

    Args:
        query: of the tokens that read: all packed ones, or those of them that are new.
        key: of all packed tokens, with as many heads as the queries.
        value: likewise.
        calls: the causal ones cover every token that reads once, by its own span.
        scale: on the products, as in `softmax(scale · q kᵀ) v`.
    """
    found: Tensor = _Cascade.apply(  # type: ignore[no-untyped-call]
        query, key, value, _halved(calls), scale
    )
    return found


def _halved(calls: Sequence[Call]) -> list[Call]:
    """The same attention with no causal call on more than `HALVED` tokens; those come first.

    A long span's second half sees its first half whole, and each half itself.
    """
    causal, whole = list[Call](), [call for call in calls if not call.causal]
    waiting = [call for call in calls if call.causal]
    while waiting:
        query, key, _ = call = waiting.pop()
        size = query.stop - query.start
        if size <= HALVED:
            causal.append(call)
            continue
        (q1, q2), (k1, k2) = (
            (slice(s.start, s.start + size // 2), slice(s.start + size // 2, s.stop))
            for s in (query, key)
        )
        whole.append(Call(q2, k1, False))
        waiting += [Call(q1, k1, True), Call(q2, k2, True)]
    return causal + whole


class _Cascade(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, query: Tensor, key: Tensor, value: Tensor, calls: Sequence[Call], scale: float
    ) -> Tensor:
        out = torch.empty(query.shape, dtype=torch.float32)
        normaliser = torch.empty(query.shape[:3], dtype=torch.float32)
        for call in calls:
            part, log_sum = _forward(
                query[:, :, call.query],
                key[:, :, call.key],
                value[:, :, call.key],
                0.0,
                call.causal,
                scale=scale,
            )
            if call.causal:
                out[:, :, call.query], normaliser[:, :, call.query] = part, log_sum
            else:
                _merge(out[:, :, call.query], normaliser[:, :, call.query], part, log_sum)
        merged = out.to(query.dtype)
        ctx.save_for_backward(query, key, value, merged, normaliser)
        ctx.calls, ctx.scale = calls, scale
        return merged

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, Tensor, Tensor, None, None]:
        query, key, value, out, normaliser = ctx.saved_tensors
        sums = [torch.zeros(t.shape, dtype=torch.float32) for t in (query, key, value)]
        for call in ctx.calls:
            parts = _backward(
                grad[:, :, call.query],
                query[:, :, call.query],
                key[:, :, call.key],
                value[:, :, call.key],
                out[:, :, call.query],
                normaliser[:, :, call.query],
                0.0,
                call.causal,
                scale=ctx.scale,
            )
            for total, part, where in zip(
                sums, parts, (call.query, call.key, call.key), strict=True
            ):
                total[:, :, where] += part
        of_query, of_key, of_value = (total.to(query.dtype) for total in sums)
        return of_query, of_key, of_value, None, None


def _merge(out: Tensor, normaliser: Tensor, part: Tensor, log_sum: Tensor) -> None:
    """Into `out` and `normaliser`, in place."""
    total = torch.logaddexp(normaliser, log_sum)
    out.mul_((normaliser - total).exp_()[..., None])
    out.addcmul_(part.float(), (log_sum - total).exp_()[..., None])
    normaliser.copy_(total)
