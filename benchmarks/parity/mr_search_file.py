"""What MR-Search's published estimator makes of given rewards.

git clone https://github.com/tengxiao1/MR-Search        # 34666c0
python -m benchmarks.parity.mr_search_file MR-Search/verl/trainer/ppo/core_algos.py
"""

from __future__ import annotations

import contextlib
import io
import random
import sys
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.parity.published_code import definitions
from benchmarks.parity.record import write

GROUPS = (4, 3, 1)
ATTEMPTS = 3
TOKENS = 2
"""Tokens of every attempt."""


def main(path: Path) -> None:
    """Record four batches, each undiscounted, as in the published script, and discounted."""
    torch.set_default_dtype(torch.float64)
    names = ("groupwise_center_and_scale_loo", "compute_grpo_prm_step_advantage")
    published = definitions(path, names)
    cases = []
    for seed in range(4):
        inputs = _inputs(random.Random(seed))
        outputs = {str(discount): _advantages(published, inputs, discount) for discount in (1, 0.5)}
        cases.append({"inputs": inputs, "outputs": outputs})
    made_by = {
        "command": f"python -m benchmarks.parity.mr_search_file {path.name}",
        "source": "github tengxiao1/MR-Search, verl/trainer/ppo/core_algos.py at 34666c0",
        "functions": "compute_grpo_prm_step_advantage (alpha 0, beta 1, as nq_train_7b.sh)",
    }
    write("mr_search", made_by, cases)


def _inputs(rng: random.Random) -> dict[str, Any]:
    """Per rollout, its question and the rewards of its 1 to `ATTEMPTS` attempts."""
    group = [number for number, size in enumerate(GROUPS) for _ in range(size)]
    counts = [rng.randint(1, ATTEMPTS) for _ in group]
    rewards = [[rng.randrange(0, 9) / 8 for _ in range(count)] for count in counts]
    return {"group": group, "rewards": rewards}


def _advantages(published: Any, inputs: dict[str, Any], discount: float) -> list[list[float]]:
    """Per rollout and attempt: the code spreads one number over an attempt's tokens."""
    rows, width = len(inputs["group"]), ATTEMPTS * TOKENS
    rewards = torch.zeros(rows, width + 1)
    steps = torch.full((rows, width + 1), -1)
    for row, attempts in enumerate(inputs["rewards"]):
        for number, reward in enumerate(attempts):
            steps[row, number * TOKENS : (number + 1) * TOKENS] = number
            rewards[row, (number + 1) * TOKENS - 1] = reward
    with contextlib.redirect_stdout(io.StringIO()):
        found, _ = published.compute_grpo_prm_step_advantage(
            rewards,
            (steps[:, :-1] >= 0).double(),
            np.array(inputs["group"]),
            steps,
            alpha=0,
            beta=1,
            discount=discount,
        )
    return [
        found[row, 0 : len(attempts) * TOKENS : TOKENS].tolist()
        for row, attempts in enumerate(inputs["rewards"])
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
