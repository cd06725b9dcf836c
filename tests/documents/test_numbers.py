"""Numbers on the first pages are those of the committed results."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from igs_agent.statistics import seed_interval
from igs_agent.step_signals import MEASURED, SIGNALS

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "benchmarks" / "quality" / "results"
BAR = "bar: bridge, last hop, answer only in its gold document"


def result(name: str, group: str) -> dict[str, Any]:
    rows = json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))["rows"]
    (row,) = (row for row in rows if row["group"] == group)
    return dict(row)


def told(row: dict[str, Any]) -> str:
    """`.972 [.958, .985]`."""
    mean, low, high = (f"{row[key]:.3f}".lstrip("0") for key in ("auc", "low", "high"))
    return f"{mean} [{low}, {high}]"


@pytest.mark.parametrize(
    ("name", "group"),
    [
        ("gain_statistical", BAR),
        ("gain_smollm2", BAR),
        ("gain_smollm2_top1", BAR),
        ("gain_statistical", "bridge, 2 hops, hop 1 of 2"),
        ("gain_statistical", "bridge, 3 hops, hop 1 of 3"),
        ("gain_statistical", "bridge, 3 hops, hop 2 of 3"),
    ],
)
def test_the_first_page_s_table_is_the_committed_result(name: str, group: str) -> None:
    row = result(name, group)
    page = (ROOT / "docs" / "index.md").read_text(encoding="utf-8")
    assert f"| {row['n']} | {told(row)} |" in page


@pytest.mark.parametrize("name", ["gain_statistical", "gain_smollm2"])
def test_the_readme_s_result_is_the_committed_one(name: str) -> None:
    row = result(name, BAR)
    page = (ROOT / "README.md").read_text(encoding="utf-8")
    at = page.index(f"AUC {told(row)}" if name == "gain_statistical" else told(row))
    assert f"({row['n']} pairs" in page[at : at + 80]


def test_the_report_s_time_is_the_committed_one() -> None:
    path = ROOT / "benchmarks" / "speed" / "results" / "report.json"
    found = json.loads(path.read_text(encoding="utf-8"))
    page = (ROOT / "docs" / "tutorials" / "report.md").read_text(encoding="utf-8")
    assert f"{found['runs']} runs of 100 updates" in page
    assert f"{found['processor_seconds']} s of one core's time" in page
    assert found["processor_seconds"] < 10


@pytest.mark.parametrize("method", ["ig_search", "grpo"])
def test_what_tiny_learned_is_told_as_it_was_measured(method: str) -> None:
    rows = json.loads((RESULTS / "tiny.json").read_text(encoding="utf-8"))["rows"]
    own = [row for row in rows if row["method"] == method]
    assert sorted(row["seed"] for row in own) == [0, 1, 2, 3, 4]
    rise = seed_interval([row["em_after"] - row["em_before"] for row in own])
    told = f"{rise.mean:+.3f} [{rise.low:+.3f}, {rise.high:+.3f}]".replace("0.", ".")
    for page in ("README.md", "docs/method.md"):
        assert told in (ROOT / page).read_text(encoding="utf-8")


def test_every_signal_is_in_the_table_of_signals_with_its_price() -> None:
    page = (ROOT / "docs" / "credit-benchmark.md").read_text(encoding="utf-8")
    table = page.partition("| signal | what it says")[2].partition("\n\n")[0].splitlines()[2:]
    named = {}
    for line in table:
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        named |= dict.fromkeys(re.findall(r"`(\w+)`", cells[0]), cells[-1])
    assert sorted(named) == sorted(SIGNALS)
    free = {name for name, price in named.items() if price.startswith("none")}
    assert free == set(SIGNALS) - set(MEASURED)
