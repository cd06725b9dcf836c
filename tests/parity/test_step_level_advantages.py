"""Our step-level estimators give the numbers of their papers' published code."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from recorded_cases import cases

from igs_agent.batch import StepTable
from igs_agent.credit import make_estimator
from igs_agent.credit.example import table

WITHIN = {"atol": 1e-6, "rtol": 1e-6}


def padded(rows: list[list[Any]], fill: Any) -> list[list[Any]]:
    width = max(map(len, rows))
    return [[*row, *[fill] * (width - len(row))] for row in rows]


def tensor(rows: list[list[float]]) -> torch.Tensor:
    return torch.tensor(padded(rows, 0.0), dtype=torch.float64)


def table_of(inputs: dict[str, Any]) -> StepTable:
    """The recorded rollouts; a step that searches has a query of four tokens."""
    return table(
        outcome=inputs["outcome"],
        group=inputs["group"],
        steps=inputs["steps"],
        observation=padded(inputs["observation"], 0),
        query_length=padded([[4 * s for s in row] for row in inputs["searches"]], 0),
        answer_log_prob=padded(inputs["answer_log_prob"], None),
        answer_in_documents=padded(inputs["turn_reward"], None),
    )


def check(name: str, options: dict[str, Any], inputs: dict[str, Any], theirs: Any) -> None:
    credit = make_estimator(name, options)(table_of(inputs))
    assert not credit.query.any()
    torch.testing.assert_close(credit.step, tensor(theirs), **WITHIN)


@pytest.mark.parametrize(("code", "baseline"), [("verl_agent", "steps"), ("drmas", "rollouts")])
@pytest.mark.parametrize(("mode", "scale"), [("mean_std_norm", "std"), ("mean_norm", "none")])
def test_gigpo_equals_both_published_codes_by_name(
    code: str, baseline: str, mode: str, scale: str
) -> None:
    for case in cases("gigpo"):
        options = {**case["options"], "baseline": baseline, "scale": scale}
        check("gigpo", options, case["inputs"], case["outputs"][code][mode])


def test_the_two_codes_of_gigpo_disagree_where_lengths_do() -> None:
    for case in cases("gigpo"):
        both = [tensor(case["outputs"][code]["mean_norm"]) for code in ("verl_agent", "drmas")]
        assert float((both[0] - both[1]).abs().max()) > 1e-3


@pytest.mark.parametrize("normalise", ["separate", "joint"])
@pytest.mark.parametrize("discount", [1.0, 0.9])
def test_igpo_equals_its_fixed_code(normalise: str, discount: float) -> None:
    for case in cases("igpo"):
        options = {**case["options"], "normalise": normalise, "discount": discount}
        check("igpo", options, case["inputs"], case["outputs"][f"{normalise} {discount}"])


def test_igpos_first_release_computed_something_else() -> None:
    for case in cases("igpo"):
        first = tensor(case["outputs"]["first_release"])
        for normalise in ("separate", "joint"):
            fixed = tensor(case["outputs"][f"{normalise} 1.0"])
            assert float((first - fixed).abs().max()) > 0.1


def test_mt_grpo_equals_its_published_trainer() -> None:
    for case in cases("mt_grpo"):
        check("mt_grpo", case["options"], case["inputs"], case["outputs"]["advantages"])


@pytest.mark.parametrize("discount", ["1", "0.5"])
def test_mr_search_equals_its_published_estimator(discount: str) -> None:
    for case in cases("mr_search"):
        group, outcome, attempt, parent, theirs = [], [], [], [], []
        for question, rewards, found in zip(
            case["inputs"]["group"],
            case["inputs"]["rewards"],
            case["outputs"][discount],
            strict=True,
        ):
            for number, (reward, value) in enumerate(zip(rewards, found, strict=True)):
                parent.append(len(group) - 1 if number else -1)
                group.append(question)
                outcome.append(reward)
                attempt.append(number)
                theirs.append([value])
        rows = table(outcome=outcome, group=group, attempt=attempt, parent=parent)
        credit = make_estimator("mr_search", {"discount": float(discount)})(rows)
        assert not credit.query.any()
        torch.testing.assert_close(credit.step, tensor(theirs), **WITHIN)


def test_the_recorded_rollouts_hold_the_cases_that_matter() -> None:
    lengths, silent, unsearched = set(), 0, 0
    for case in cases("mt_grpo") + cases("gigpo"):
        inputs = case["inputs"]
        lengths |= set(inputs["steps"])
        unsearched += any(not any(row) for row in inputs["searches"])
        by_group: dict[int, set[float]] = {}
        for group, outcome in zip(inputs["group"], inputs["outcome"], strict=True):
            by_group.setdefault(group, set()).add(outcome)
        silent += any(len(values) == 1 for values in by_group.values())
    assert lengths == {1, 2, 3, 4}
    assert silent == 4
    assert unsearched >= 4
