"""What AutoRefine's published reward makes of given responses.

git clone https://github.com/syr-cn/AutoRefine          # 8363788
python -m benchmarks.parity.autorefine_file AutoRefine/verl/utils/reward_score/qa_em.py
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from benchmarks.parity.published_code import definitions
from benchmarks.parity.record import write

ANSWERS = (
    "Ridley Scott",
    "the Ridley",
    "scott, Ridley!",
    "James Cameron",
    "Sir Ridley Scott of England",
    "yes",
)
REFINES = ("nothing of use", "It was RIDLEY  Scott.", "by sir ridley", "Ridley")
GOLDS = (["Ridley Scott"], ["Ridley Scott", "Sir Ridley"], ["yes"])


def main(path: Path) -> None:
    """Record the reward of every combination of answer, refine block and gold answers."""
    names = (
        "normalize_answer",
        "compute_f1_scores",
        "validate_format",
        "em_check",
        "cover_em_check",
        "extract_refine",
        "extract_solution",
        "compute_reward",
        "compute_refine_score_subem",
    )
    published = definitions(path, names)
    cases = []
    for golds in GOLDS:
        for refine in REFINES:
            for answer in ANSWERS:
                outputs = ["<search>alien</search>", _last(refine, answer)]
                reward = _reward(published, outputs, golds)
                inputs = {"outputs": outputs, "answers": golds}
                cases.append({"inputs": inputs, "outputs": {"reward": reward}})
    made_by = {
        "command": f"python -m benchmarks.parity.autorefine_file {path.name}",
        "source": "github syr-cn/AutoRefine, verl/utils/reward_score/qa_em.py at 8363788",
        "functions": "compute_reward (F1, format_score 0, refine_score 0.1, as cmd/train.sh)",
    }
    write("autorefine", made_by, cases)


def _last(refine: str, answer: str) -> str:
    return f"<refine>{refine}</refine><answer>{answer}</answer>"


def _reward(published: Any, outputs: list[str], golds: list[str]) -> float:
    response = "".join(outputs)
    return float(
        published.compute_reward(
            response,
            response,
            {"target": golds},
            score_func=published.compute_f1_scores,
            format_score=0.0,
            refine_score=0.1,
        )
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
