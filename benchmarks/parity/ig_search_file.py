"""What IG-Search's published file makes of given token log-probabilities.

git clone https://github.com/MaYufei-NPU/IG-Search      # aed4f14
python -m benchmarks.parity.ig_search_file IG-Search/ig_reward.py
"""

from __future__ import annotations

import random
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.parity.published_code import definitions
from benchmarks.parity.record import write

DRAWS, ROLLOUTS = 3, 3


def main(path: Path) -> None:
    """Record gains with and without weighted head tokens, of one and of several gold answers."""
    names = ("IGSequence", "IGMapping", "extract_ig_from_logprobs", "_aggregate")
    published = definitions(path, names)
    cases = []
    for seed in range(4):
        variants = 1 + 2 * (seed % 2)
        options = {"aliases": "best" if variants > 1 else "first"}
        inputs = _inputs(random.Random(seed), variants)
        outputs = {
            "mean": _gains(published, inputs, head_weight=1.0),
            "head_weighted": _gains(published, inputs, head_weight=3.0),
        }
        cases.append({"inputs": inputs, "options": options, "outputs": outputs})
    made_by = {
        "command": f"python -m benchmarks.parity.ig_search_file {path.name}",
        "source": "github MaYufei-NPU/IG-Search, ig_reward.py at aed4f14",
        "functions": "extract_ig_from_logprobs (n_head_tokens 3)",
    }
    write("ig_search", made_by, cases)


def _inputs(rng: random.Random, variants: int) -> dict[str, Any]:
    """Per rollout, step and context (the real one first), and gold answer: token log-probs."""
    lengths = [[rng.randint(1, 6) for _ in range(variants)] for _ in range(ROLLOUTS)]
    log_probs = [
        [
            [
                [[round(rng.uniform(-6, -0.01), 4) for _ in range(k)] for k in lengths[row]]
                for _ in range(1 + DRAWS)
            ]
            for _ in range(rng.randint(1, 3))
        ]
        for row in range(ROLLOUTS)
    ]
    return {"log_probs": log_probs}


def _gains(published: Any, inputs: dict[str, Any], head_weight: float) -> list[list[float]]:
    mapping, rows = published.IGMapping(), []
    for sample, steps in enumerate(inputs["log_probs"]):
        for step, contexts in enumerate(steps):
            for place, targets in enumerate(contexts):
                for variant, values in enumerate(targets):
                    kind = "random" if place else "real"
                    mapping.sequences.append(
                        published.IGSequence(sample, step, variant, kind, "", "")
                    )
                    mapping.answer_lengths.append(len(values))
                    rows.append(values + [0.0] * (6 - len(values)))
    _, gains, _, _ = published.extract_ig_from_logprobs(
        torch.tensor(rows), mapping, n_head_tokens=3, head_weight=head_weight
    )
    return [gains[sample] for sample in range(len(inputs["log_probs"]))]


if __name__ == "__main__":
    main(Path(sys.argv[1]))
