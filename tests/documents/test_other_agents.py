"""`docs/other-agents.md`: blocks that need another library are those that were run with it."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "other-agents.md").read_text(encoding="utf-8")
RECORD = json.loads((ROOT / "benchmarks/peers/results/other_agents.json").read_text("utf-8"))
_BLOCK = re.compile(r"^```(py|python)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [block for mark, block in _BLOCK.findall(PAGE) if mark == "py"]


def digest(block: str) -> str:
    return hashlib.sha256(block.encode()).hexdigest()[:16]


def test_every_block_for_another_library_is_the_one_that_the_record_tells_of() -> None:
    recorded = {row["block"] for row in RECORD}
    stale = [block.splitlines()[0] for block in BLOCKS if digest(block) not in recorded]
    assert not stale, "changed since: python -m benchmarks.peers.other_agents --hosts …"
    assert len(BLOCKS) == len(RECORD) == 6


@pytest.mark.parametrize("row", RECORD, ids=lambda row: row["package"])
def test_the_page_names_the_version_and_says_where_a_block_was_not_run(row: dict[str, Any]) -> None:
    assert row["version"], f"{row['package']} was not installed where the record was made"
    minor = ".".join(row["version"].split(".")[:2])
    assert row["package"] in PAGE
    assert minor in PAGE or minor.split(".")[0] in PAGE
    if row["ran"] is not True:
        assert row["signatures"], "neither run nor held against signatures"
        assert f"{row['package']} {row['version']}: not run" in PAGE


def test_the_estimator_takes_what_the_hosts_pass_to_their_own() -> None:
    (block,) = [b for mark, b in _BLOCK.findall(PAGE) if mark == "python" and "def ig_search" in b]
    scope: dict[str, Any] = {}
    exec(block, scope)
    passed = {
        "token_level_rewards": scope["rewards"],
        "response_mask": scope["trained"],
        "index": ["q", "q"],
    }
    signatures = {k: v for row in RECORD for k, v in row["signatures"].items() if "grpo" in k}
    assert len(signatures) == 2
    for parameters in signatures.values():
        assert set(passed) <= set(parameters)
        advantages, returns = scope["ig_search"](
            **passed, **dict.fromkeys(set(parameters) - set(passed))
        )
        assert advantages.shape == returns.shape == scope["trained"].shape
        assert (advantages[scope["trained"] == 0] == 0).all()


def test_rewards_on_last_tokens_alone_give_the_hosts_grpo() -> None:
    import torch

    (block,) = [b for mark, b in _BLOCK.findall(PAGE) if mark == "python" and "def ig_search" in b]
    scope: dict[str, Any] = {}
    exec(block, scope)
    rewards = torch.tensor([[0, 1.0], [0, 0.0], [0, 0.5]])
    found, _ = scope["ig_search"](rewards, torch.ones(3, 2), ["a", "a", "a"])
    spread = rewards[:, 1].std() + 1e-6
    expected = (rewards[:, 1] - 0.5) / spread
    torch.testing.assert_close(found, expected[:, None].expand(3, 2))
