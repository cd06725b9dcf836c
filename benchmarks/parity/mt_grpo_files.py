"""What MT-GRPO's published trainer makes of given rewards.

git clone https://github.com/SiliangZeng/Multi-Turn-RL-Agent    # c4baa32
cd Multi-Turn-RL-Agent/verifiers/trainers
python -m benchmarks.parity.mt_grpo_files mt_grpo_env_trainer.py grpo_env_trainer.py
"""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from benchmarks.parity.published_code import definitions
from benchmarks.parity.record import write
from benchmarks.parity.step_tables import STEPS, TOKENS, ragged_steps

COEFFICIENT = 0.7
GROUP = 4
"""The trainer's groups are of equal size: twelve rollouts of three questions."""


def main(turns: Path, base: Path) -> None:
    """Record four batches."""
    torch.set_default_dtype(torch.float64)
    assign = definitions(turns, ("_assign_advantages",))._assign_advantages
    normalise = definitions(base, ("_compute_normalized_advantages",))
    cases = []
    for seed in range(4):
        inputs = ragged_steps(seed)
        inputs["group"] = [row // GROUP for row in range(len(inputs["steps"]))]
        trainer = SimpleNamespace(
            num_generations=GROUP,
            accelerator=SimpleNamespace(process_index=0, device="cpu"),
            turn_advantage_coef=COEFFICIENT,
        )
        relative = partial(normalise._compute_normalized_advantages, trainer)
        found = advantages(trainer, assign, relative, inputs)
        cases.append(
            {
                "inputs": inputs,
                "options": {"coefficient": COEFFICIENT},
                "outputs": {"advantages": found},
            }
        )
    made_by = {
        "command": "python -m benchmarks.parity.mt_grpo_files mt_grpo_env_trainer.py "
        "grpo_env_trainer.py",
        "source": "github SiliangZeng/Multi-Turn-RL-Agent at c4baa32, verifiers/trainers",
        "functions": "_compute_normalized_advantages, _assign_advantages",
    }
    write("mt_grpo", made_by, cases)


def advantages(
    trainer: Any, assign: Any, relative: Any, inputs: dict[str, Any]
) -> list[list[float]]:
    """Every step is a segment of policy tokens with one environment token behind it."""
    width = STEPS * (TOKENS + 1)
    mask = torch.zeros(len(inputs["steps"]), width)
    segments, turn = [], []
    for row, searches in enumerate(inputs["searches"]):
        for step in range(len(searches)):
            start = step * (TOKENS + 1)
            mask[row, start : start + TOKENS] = 1
        first = searches.index(True) if True in searches else None
        # Segments alternate: policy, result, policy, …; the result of step t is segment 2t + 1.
        segments.append(-1 if first is None else 2 * first + 1)
        turn.append(0.0 if first is None else inputs["turn_reward"][row][first])
    outcome, turns = torch.tensor(inputs["outcome"]), torch.tensor(turn)
    rows = len(outcome)
    _, _, of_turn = relative(turns, rows)
    _, _, of_outcome = relative(outcome, rows)
    _, _, of_both = relative(turns + outcome, rows)
    found = assign(trainer, mask, of_turn, of_outcome, of_both, segments)
    return [
        found[row, 0 : count * (TOKENS + 1) : TOKENS + 1].tolist()
        for row, count in enumerate(inputs["steps"])
    ]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
