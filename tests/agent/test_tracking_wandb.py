"""W&B for real, offline: what was logged is read back from the file that it wrote."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from synthetic_runs import make_run
from wandb_file import artifacts, history

from igs_agent.tracking import WandbTracker

pytest.importorskip("wandb")

SEARCH = {
    "action": "search",
    "output": "<search> q </search>",
    "documents": ["d1", "d2"],
    "gain": 0.5,
    "gain_stderr": 0.1,
    "log_prob_real": -1.0,
    "log_probs_counterfactual": (-1.5, -1.6),
    "credit": 0.2,
    "query_credit": 0.1,
}
ANSWER = {
    **dict.fromkeys(SEARCH),
    "action": "answer",
    "output": "<answer> a </answer>",
    "documents": [],
    "credit": 0.2,
    "query_credit": 0.0,
}
EPISODE = {"id": "e", "question": "Q?", "reward": 1.0, "steps": [SEARCH, ANSWER]}


@pytest.fixture(autouse=True)
def _offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_SILENT", "true")


def test_scalars_keep_their_names_and_turns_become_rows(tmp_path: Path) -> None:
    tracker = WandbTracker("project", tmp_path, {"seed": 0})
    tracker.metrics(3, {"rollout/reward": 0.5, "update/loss": -0.25})
    tracker.episodes(3, [EPISODE, EPISODE])
    tracker.timings(3, {"rollout": 1.5})
    tracker.close()
    logged = history(tmp_path)
    assert {"update": 3, "rollout/reward": 0.5, "update/loss": -0.25}.items() <= logged[0].items()
    assert logged[1]["turns.nrows"] == 4
    assert {"update": 3, "seconds/rollout": 1.5}.items() <= logged[2].items()

    (path,) = tmp_path.rglob("*.table.json")
    table = json.loads(path.read_text())
    rows = [dict(zip(table["columns"], row, strict=True)) for row in table["data"]]
    assert rows[0] == {
        "update": 3,
        "episode": "e",
        "question": "Q?",
        "turn": 0,
        "action": "search",
        "output": "<search> q </search>",
        "documents": "d1, d2",
        "gain": 0.5,
        "gain_stderr": 0.1,
        "log_prob_real": -1.0,
        "log_probs_counterfactual": "-1.5000, -1.6000",
        "credit": 0.2,
        "query_credit": 0.1,
        "reward": 1.0,
    }
    assert (rows[1]["turn"], rows[1]["gain"], rows[1]["documents"]) == (1, None, "")


def test_a_resumed_run_goes_on_under_the_same_identity(tmp_path: Path) -> None:
    for start in (0, 1):
        tracker = WandbTracker("project", tmp_path, {})
        tracker.metrics(start, {"x": 1.0})
        tracker.close()
    identity = (tmp_path / "wandb-id.txt").read_text().strip()
    names = {path.name for path in tmp_path.rglob("*.wandb")}
    assert names == {f"run-{identity}.wandb"}


def test_the_report_is_logged_as_an_artefact_when_the_run_ends(tmp_path: Path) -> None:
    run = make_run(tmp_path / "run")
    WandbTracker("project", run, {}).close()
    (found,) = artifacts(run)
    identity = (run / "wandb-id.txt").read_text().strip()
    assert (found.type, found.name) == ("report", f"report-{identity}")
    (entry,) = found.manifest.contents
    page = (run / "report.html").read_bytes()
    assert (entry.path, entry.size) == ("report.html", len(page))
    assert b"What may be claimed?" in page
