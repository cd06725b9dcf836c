"""Our outcome advantages are the numbers that verl's functions and TRL's trainers return."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from recorded_cases import cases

from igs_agent.credit import make_estimator
from igs_agent.credit.example import table

WITHIN = {"atol": 1e-6, "rtol": 1e-6}


def ours(name: str, inputs: dict[str, Any], **options: float) -> torch.Tensor:
    credit = make_estimator(name, options)(table(outcome=inputs["rewards"], group=inputs["group"]))
    assert not credit.query.any()
    return credit.step[:, 0]


@pytest.mark.parametrize("case", cases("verl"))
@pytest.mark.parametrize("name", ["grpo", "dr_grpo", "rloo"])
def test_advantages_equal_verls(case: dict[str, Any], name: str) -> None:
    inputs, theirs = case["inputs"], torch.tensor(case["outputs"][name], dtype=torch.float64)
    found = ours(name, inputs)
    group = torch.tensor(inputs["group"])
    alone = (group[:, None] == group).sum(1) == 1
    torch.testing.assert_close(found[~alone], theirs[~alone], **WITHIN)
    # verl trains a rollout without siblings on its raw reward; here it gets nothing.
    reward = torch.tensor(inputs["rewards"], dtype=torch.float64)
    assert int(alone.sum()) == 1
    torch.testing.assert_close(theirs[alone], reward[alone], atol=2e-6, rtol=2e-6)
    assert found[alone].tolist() == [0.0]


@pytest.mark.parametrize("case", cases("trl"))
@pytest.mark.parametrize(
    ("name", "options"), [("grpo", {"epsilon": 1e-4}), ("dr_grpo", {}), ("rloo", {})]
)
def test_advantages_equal_trls(case: dict[str, Any], name: str, options: dict[str, float]) -> None:
    theirs = torch.tensor(case["outputs"][name], dtype=torch.float64)
    torch.testing.assert_close(ours(name, case["inputs"], **options), theirs, **WITHIN)
