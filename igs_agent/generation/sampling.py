"""Drawing tokens from rows of logits, reproducibly and independently of the batch."""

from __future__ import annotations

import hashlib

import numpy as np
import torch
from jaxtyping import Float, Int
from numpy.typing import NDArray
from torch import Tensor

from igs_agent.generation.contract import Sampling


def uniforms(seed: int, turn: int, count: int) -> NDArray[np.float64]:
    """The random numbers in [0, 1) that decide a turn's tokens, one per token."""
    digest = hashlib.blake2b(f"{seed}/{turn}".encode(), digest_size=16).digest()
    stream = np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))
    return stream.random(count)


def draw_tokens(
    logits: Float[Tensor, "R V"], uniform: Float[Tensor, "R M"], sampling: Sampling
) -> Int[Tensor, "R M"]:
    """M tokens per row by inverse transform: the first whose cumulated probability exceeds u."""
    if sampling.temperature == 0:
        return logits.argmax(-1, keepdim=True).expand(uniform.shape)
    probabilities = (logits / sampling.temperature).softmax(-1, dtype=torch.float64)
    if sampling.top_k or sampling.top_p < 1:
        probabilities = _truncated(probabilities, sampling)
    cumulated = probabilities.cumsum(-1)
    # Scaled by the row's own sum, so that rounding can never leave u above the last value.
    wanted = uniform.to(cumulated) * cumulated[:, -1:]
    return torch.searchsorted(cumulated, wanted, right=True).clamp_(max=logits.shape[-1] - 1)


def _truncated(probabilities: Float[Tensor, "R V"], sampling: Sampling) -> Float[Tensor, "R V"]:
    """Zero outside the top-k and the nucleus (Holtzman et al. 2020, arXiv 1904.09751)."""
    values, order = probabilities.sort(-1, descending=True)
    before = values.cumsum(-1) - values
    keep = before < sampling.top_p
    if sampling.top_k:
        keep[:, sampling.top_k :] = False
    return torch.zeros_like(probabilities).scatter_(-1, order, values * keep)
