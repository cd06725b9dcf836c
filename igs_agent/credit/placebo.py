"""IG-Search with its gains permuted: what is left when they say nothing. A control."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool
from torch import Tensor

from igs_agent.batch import Credit, Signal, StepTable
from igs_agent.credit.ig_search import IGSearch


def permuted(signal: Signal, counted: Bool[Tensor, "R S"], seed: int) -> Signal:
    """The values measured on rollouts that count, in another order over the same steps.

    The order follows from the seed and the values, so that a resumed run draws the same ones.
    """
    where = signal.valid & counted
    values = signal.values[where]
    key = zlib.crc32(values.double().cpu().numpy().tobytes())
    order = np.random.default_rng([seed, key]).permutation(len(values))
    found = signal.values.clone()
    found[where] = values[torch.from_numpy(order)]
    return Signal(values=found, valid=signal.valid)


@dataclass(frozen=True, slots=True, kw_only=True)
class Placebo(IGSearch):
    """`IGSearch` on gains permuted over the searches of the batch.

    The same numbers, and hence the same push towards searching at all, on the wrong searches:
    that `ig_search` does better than this is the claim's real test.

    >>> from igs_agent.credit.example import table
    >>> gains = table(outcome=[0, 0], group=[0, 0], gain=[[1.0, 2.0], [-1.0, None]])
    >>> sorted(permuted(gains.signal("gain"), gains.counted, 0).values.reshape(-1).tolist())
    [-1.0, 0.0, 1.0, 2.0]
    """

    seed: int = 0
    """Of the permutation."""

    def __call__(self, table: StepTable) -> Credit:
        """Credit as `IGSearch` gives it for the permuted gains."""
        gain = permuted(table.signal("gain"), table.counted, self.seed)
        # Not `super()`: a dataclass with slots is not the class that its methods were written in.
        return IGSearch.__call__(self, replace(table, signals={**table.signals, "gain": gain}))
