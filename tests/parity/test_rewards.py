"""Our staircase reward gives the numbers of AutoRefine's published code."""

from __future__ import annotations

from recorded_cases import cases

from igs_env.actions import parse_action
from igs_env.protocols import PROTOCOLS
from igs_env.rewards import staircase
from igs_env.types import Episode, Question, Step


def test_staircase_equals_autorefines_published_reward() -> None:
    recorded = cases("autorefine")
    for case in recorded:
        question = Question(id="q", text="Who?", answers=tuple(case["inputs"]["answers"]))
        steps = tuple(
            Step(output=output, action=parse_action(output), observation="")
            for output in case["inputs"]["outputs"]
        )
        episode = Episode(
            id="e",
            question=question,
            protocol=PROTOCOLS["autorefine"],
            group_id="g",
            seed=0,
            prompt="",
            steps=steps,
            terminated=True,
        )
        assert abs(staircase(episode) - case["outputs"]["reward"]) < 1e-12, case["inputs"]
    assert {0.0, 0.1, 1.0} < {case["outputs"]["reward"] for case in recorded}
