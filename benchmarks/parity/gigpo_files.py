"""What the two published codes of GiGPO return for random ragged rollouts.

    git clone https://github.com/langfengQ/verl-agent   # gigpo/core_gigpo.py
    git clone https://github.com/langfengQ/DrMAS        # 3b556f2, gigpo/core_gigpo.py
    python -m benchmarks.parity.gigpo_files VERL_AGENT/core_gigpo.py DRMAS/core_gigpo.py

The verl-agent file that was run is the one that the fork xlan156/verl-agent held at 8ca3a46.
"""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch

from benchmarks.parity.published_code import definitions
from benchmarks.parity.record import write
from benchmarks.parity.step_tables import ragged_steps

NAMES = (
    "to_hashable",
    "are_similar",
    "compute_step_discounted_returns",
    "compute_gigpo_outcome_advantage",
    "episode_norm_reward",
    "build_step_group",
    "step_norm_reward",
)
OPTIONS = {"weight": 0.5, "discount": 0.95}


def main(verl_agent: Path, drmas: Path) -> None:
    """Record four batches, with and without division by the deviation."""
    torch.set_default_dtype(torch.float64)
    codes = {"verl_agent": definitions(verl_agent, NAMES), "drmas": definitions(drmas, NAMES)}
    cases = []
    for seed in range(4):
        inputs = ragged_steps(seed)
        outputs = {
            name: {mode: advantages(code, inputs, mode) for mode in ("mean_std_norm", "mean_norm")}
            for name, code in codes.items()
        }
        cases.append({"inputs": inputs, "options": OPTIONS, "outputs": outputs})
    made_by = {
        "command": "python -m benchmarks.parity.gigpo_files core_gigpo.py core_gigpo.py",
        "verl_agent": "github xlan156/verl-agent at 8ca3a46, gigpo/core_gigpo.py",
        "drmas": "github langfengQ/DrMAS at 3b556f2, gigpo/core_gigpo.py",
        "functions": "compute_step_discounted_returns, compute_gigpo_outcome_advantage",
    }
    write("gigpo", made_by, cases)


def advantages(code: Any, inputs: dict[str, Any], mode: str) -> list[list[float]]:
    """A row of the code's batch is a step; regrouped by rollout here."""
    rollout = np.repeat(np.arange(len(inputs["steps"])), inputs["steps"])
    place = np.concatenate([np.arange(count) for count in inputs["steps"]])
    group = np.array(inputs["group"])[rollout]
    outcome = np.array(inputs["outcome"])[rollout]
    last = place == np.array(inputs["steps"])[rollout] - 1
    batch = SimpleNamespace(
        non_tensor_batch={
            "rewards": np.where(last, outcome, 0.0),
            "traj_uid": rollout,
            "active_masks": np.ones(len(rollout)),
            "env_step": place,
        },
        batch={"input_ids": torch.zeros(1)},
    )
    returns = code.compute_step_discounted_returns(batch, OPTIONS["discount"])
    observation = np.array([f"seen {o}" for row in inputs["observation"] for o in row])
    found, _ = code.compute_gigpo_outcome_advantage(
        token_level_rewards=torch.tensor(outcome)[:, None],
        step_rewards=returns.double(),
        response_mask=torch.ones(len(rollout), 1),
        anchor_obs=observation,
        index=group,
        traj_index=rollout,
        step_advantage_w=OPTIONS["weight"],
        mode=mode,
    )
    return [found[rollout == row, 0].tolist() for row in range(len(inputs["steps"]))]


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
