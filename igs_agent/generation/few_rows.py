"""Linear layers on a handful of rows, as decoding has them, on a CPU."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import torch
from torch import Tensor, nn

from igs_agent.policy import Policy

FEW = range(2, 9)
"""*Ours*: rows for which the product is faster as W xᵀ than as x Wᵀ, by 1.1 to 2.9 times in MKL on
an AMD EPYC, the more the fewer. One row is a matrix-vector product either way, and more than eight
are slower turned around."""


@contextmanager
def turned_products(policy: Policy) -> Iterator[None]:
    """Within, linear layers in fp32 on a CPU take few rows the other way round.

    No number changes but for the order in which products are summed.
    """
    changed = [
        module
        for module in policy.model.modules()
        if type(module) is nn.Linear
        and "forward" not in vars(module)  # another library's hook
        and module.weight.device.type == "cpu"
        and module.weight.dtype == torch.float32
    ]
    for module in changed:
        vars(module)["forward"] = partial(_linear, module)
    try:
        yield
    finally:
        for module in changed:
            vars(module).pop("forward", None)


def _linear(module: nn.Linear, input: Tensor) -> Tensor:
    if input.numel() // input.shape[-1] not in FEW or torch.is_autocast_enabled("cpu"):
        return nn.functional.linear(input, module.weight, module.bias)
    rows = input.reshape(-1, input.shape[-1])
    found = torch.mm(module.weight, rows.t()).t().contiguous()
    if module.bias is not None:
        found += module.bias
    return found.reshape(*input.shape[:-1], -1)
