"""docs/metrics.md names every number that a run records, and none that it does not."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from igs_agent.tracking import read_jsonl

OF_SERVERS = {"rollout/server_gap", "seconds/push"}
OF_RANKS = {"seconds/publish"}
"""Recorded where there are several; `test_executors.py` looks."""
"""Only where a server samples; test_server_generator.py sees them recorded."""
PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def documented(heading: str) -> set[str]:
    """Names in the first column of the table below a heading, or below a line of text."""
    text = PAGE.read_text(encoding="utf-8")
    table = text[text.index(f"{heading}\n") :].split("\n| ", 1)[1].split("\n\n", 1)[0]
    rows = table.splitlines()[2:]
    return {name for row in rows for name in re.findall(r"`([^`]+)`", row.split(" | ")[0])}


def test_every_metric_of_a_run_is_in_the_table_and_the_other_way_round(small_run: Path) -> None:
    rows = list(read_jsonl(small_run / "metrics.jsonl"))
    assert [row["update"] for row in rows] == [0, 0, 1, 1, 2]
    assert {name for row in rows for name in row} - {"update"} == documented(
        "## Metrics"
    ) - OF_SERVERS


def test_every_phase_is_in_the_table(small_run: Path) -> None:
    rows = list(read_jsonl(small_run / "timings.jsonl"))
    assert [row["update"] for row in rows] == [0, 1]
    assert {name for row in rows for name in row} - {"update"} == documented(
        "## Timings"
    ) - OF_SERVERS - OF_RANKS


def test_every_key_of_an_episode_is_in_the_tables(small_run: Path) -> None:
    rows: list[dict[str, Any]] = list(read_jsonl(small_run / "episodes.jsonl"))
    assert len(rows) == 2 * 3 * 3
    assert {key for row in rows for key in row} == documented("## Episodes")
    steps = [step for row in rows for step in row["steps"]]
    assert any(step["gain"] is not None for step in steps), "no search had a gain"
    assert {key for step in steps for key in step} == documented("Each of `steps`:")
