"""What the two published codes of IGPO return for random ragged rollouts.

    git clone https://github.com/debajoycs98/IGPO     # 8660196, February 2026
    git clone https://github.com/GuoqingWang1/IGPO    # bff163b, October 2025
    python -m benchmarks.parity.igpo_files NEW/core_algos.py OLD/core_algos.py

Both are `verl/trainer/ppo/core_algos.py` of their repository.
"""

from __future__ import annotations

import math
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.parity.published_code import definitions
from benchmarks.parity.record import write
from benchmarks.parity.step_tables import STEPS, TOKENS, ragged_steps


def main(new: Path, old: Path) -> None:
    """Record four batches under both normalisations, differences and discounts."""
    torch.set_default_dtype(torch.float64)
    fixed = definitions(new, ("_compute_turn_level_advantage", "compute_grpo_outcome_advantage"))
    # The one calls the other by its name.
    advantage = fixed.compute_grpo_outcome_advantage
    first = definitions(old, ("compute_grpo_outcome_advantage",)).compute_grpo_outcome_advantage
    cases = []
    for seed in range(4):
        inputs = ragged_steps(seed)
        for difference in ("log_prob", "prob"):
            rewards, mask = tokens(inputs, difference)
            index = np.array(inputs["group"])
            outputs: dict[str, Any] = {
                "first_release": by_step(first(rewards.clone(), mask, index)[0], inputs)
            }
            for normalise in ("separate", "joint"):
                for discount in (1.0, 0.9):
                    found, _ = advantage(
                        rewards.clone(), mask, index, gamma=discount, info_gain_norm_mode=normalise
                    )
                    outputs[f"{normalise} {discount}"] = by_step(found, inputs)
            cases.append(
                {"inputs": inputs, "options": {"difference": difference}, "outputs": outputs}
            )
    made_by = {
        "command": "python -m benchmarks.parity.igpo_files core_algos.py core_algos.py",
        "fixed": "github debajoycs98/IGPO at 8660196, verl/trainer/ppo/core_algos.py",
        "first_release": "github GuoqingWang1/IGPO at bff163b, verl/trainer/ppo/core_algos.py",
        "functions": "compute_grpo_outcome_advantage",
    }
    write("igpo", made_by, cases)


def tokens(inputs: dict[str, Any], difference: str) -> tuple[torch.Tensor, torch.Tensor]:
    """(rewards, mask): a step's reward stands on its last token, the outcome on the last of all."""
    rows = len(inputs["group"])
    rewards, mask = torch.zeros(rows, STEPS * TOKENS), torch.zeros(rows, STEPS * TOKENS)
    for row, values in enumerate(inputs["answer_log_prob"]):
        level = [math.exp(v) for v in values] if difference == "prob" else values
        steps = [after - before for before, after in pairwise(level)]
        for step, reward in enumerate([*steps, inputs["outcome"][row]]):
            rewards[row, (step + 1) * TOKENS - 1] = reward
        mask[row, : len(values) * TOKENS] = 1
    return rewards, mask


def by_step(found: torch.Tensor, inputs: dict[str, Any]) -> list[list[float]]:
    """The first token of every step: all of a step's tokens have one value."""
    return [
        found[row, 0 : count * TOKENS : TOKENS].tolist()
        for row, count in enumerate(inputs["steps"])
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
