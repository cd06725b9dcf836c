"""Random ragged rollouts of steps, as plain lists, for the recipes of step-level methods."""

from __future__ import annotations

import random
from typing import Any

GROUPS = (4, 3, 5)
STEPS = 4
TOKENS = 3
"""Tokens of every step: what is read of them does not depend on how many there are."""


def ragged_steps(seed: int) -> dict[str, Any]:
    """Twelve rollouts of three questions with 1 to `STEPS` steps each.

    In every other batch the outcomes of one question are all equal, and in every other batch one
    rollout never searches. The first observation of a question is the same for all its rollouts.
    """
    rng = random.Random(1000 + seed)
    group = [number for number, size in enumerate(GROUPS) for _ in range(size)]
    outcome = [rng.randrange(0, 9) / 8 for _ in group]
    if seed % 2:
        outcome[:4] = [0.25] * 4
    steps = [rng.randint(1, STEPS) for _ in group]
    searches = [[rng.random() < 0.7 for _ in range(count)] for count in steps]
    if seed < 2:
        searches[-1] = [False] * steps[-1]
    return {
        "group": group,
        "outcome": outcome,
        "steps": steps,
        "searches": searches,
        "observation": [[0, *(rng.randint(1, 3) for _ in range(count - 1))] for count in steps],
        "turn_reward": [[rng.randrange(0, 5) / 4 for _ in range(count)] for count in steps],
        "answer_log_prob": [[_log_prob(rng) for _ in range(count)] for count in steps],
    }


def _log_prob(rng: random.Random) -> float:
    return round(rng.uniform(-5, -0.05), 3)
