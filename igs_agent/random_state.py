"""The states of the process's random generators, to be kept and set again.

Nothing here draws from them: questions, rollouts and counterfactual draws are keyed by the seed.
A model with dropout does, and parts that users plug in may.
"""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


def random_state() -> dict[str, Any]:
    """States of Python's, NumPy's and torch's global generators.

    Only tensors and plain values, so that `torch.load(weights_only=True)` reads it.
    """
    version, words, gauss = random.getstate()
    legacy: Any = np.random.get_state(legacy=False)  # noqa: NPY002 - the global one is meant
    return {
        "python": [version, list(words), gauss],
        "numpy": {
            **{name: legacy[name] for name in ("bit_generator", "has_gauss", "gauss")},
            "key": torch.from_numpy(legacy["state"]["key"].astype(np.int64)),
            "pos": legacy["state"]["pos"],
        },
        "torch": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Put the generators where `random_state` found them.

    >>> state = random_state()
    >>> first = torch.rand(2)
    >>> set_random_state(state)
    >>> bool((torch.rand(2) == first).all())
    True
    """
    version, words, gauss = state["python"]
    random.setstate((version, tuple(words), gauss))
    saved = state["numpy"]
    np.random.set_state(  # noqa: NPY002 - the global one is meant
        {
            **{name: saved[name] for name in ("bit_generator", "has_gauss", "gauss")},
            "state": {"key": saved["key"].numpy().astype(np.uint32), "pos": saved["pos"]},
        }
    )
    torch.set_rng_state(state["torch"])
    # A run may go on with another number of GPUs; then there is nothing to be equal to.
    if torch.cuda.is_available() and len(state["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(state["cuda"])
