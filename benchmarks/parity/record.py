"""Random ragged batches as plain lists, and the file that inputs and outputs are recorded in."""

from __future__ import annotations

import json
import platform
import random
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parents[2] / "tests" / "parity" / "recorded"
GROUPS = (5, 3, 4, 1)
WIDTH = 8


def ragged_batch(seed: int) -> dict[str, Any]:
    """Thirteen rollouts of four questions, with 1 to `WIDTH` tokens each.

    The last question has only one rollout. Rewards are multiples of 1/8, so that single precision
    holds them exactly; in every other batch one group's rewards are all equal.
    """
    rng = random.Random(seed)
    group = [number for number, size in enumerate(GROUPS) for _ in range(size)]
    rewards = [rng.randrange(-8, 17) / 8 for _ in group]
    if seed % 2:
        rewards[:5] = [0.5] * 5
    order = rng.sample(range(len(group)), len(group))
    lengths = [rng.randint(1, WIDTH) for _ in group]
    return {
        "group": [group[index] for index in order],
        "rewards": [rewards[index] for index in order],
        "mask": [[place < length for place in range(WIDTH)] for length in lengths],
        "advantages": [[_number(rng, -2, 2) for _ in range(WIDTH)] for _ in group],
        "old_log_probs": [[_number(rng, -4, -0.1) for _ in range(WIDTH)] for _ in group],
        "log_probs": [[_number(rng, -4, -0.1) for _ in range(WIDTH)] for _ in group],
        "ref_log_probs": [[_number(rng, -4, -0.1) for _ in range(WIDTH)] for _ in group],
    }


def write(name: str, made_by: Mapping[str, str], cases: Sequence[Mapping[str, Any]]) -> None:
    """`tests/parity/recorded/NAME.json`: what made it, and its cases of inputs and outputs."""
    FOLDER.mkdir(exist_ok=True)
    recorded = {
        "made_by": {**made_by, "torch": version("torch"), "python": platform.python_version()},
        "cases": list(cases),
    }
    text = json.dumps(recorded, indent=None, separators=(",", ":"))
    # One case a line, so that a difference can be read.
    text = text.replace('{"inputs"', '\n{"inputs"')
    (FOLDER / f"{name}.json").write_text(text + "\n", encoding="utf-8")
    print(f"wrote {len(cases)} cases to {FOLDER / f'{name}.json'}")


def _number(rng: random.Random, low: float, high: float) -> float:
    return round(rng.uniform(low, high), 4)
