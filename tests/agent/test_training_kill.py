"""A run that is killed and resumed ends bit for bit where an undisturbed one does."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import kill_while_training
import pytest
import torch

LAST = f"checkpoints/update-{kill_while_training.UPDATES:06d}"


def trained(run: Path, policy: Path, seed: str) -> list[str]:
    """Where the run stood after each kill."""
    done = subprocess.run(
        [sys.executable, kill_while_training.__file__, run, policy, seed],
        capture_output=True,
        text=True,
        timeout=900,  # of a busy machine; a minute otherwise
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert done.returncode == 0, done.stderr
    stood: list[str] = json.loads(done.stdout.splitlines()[-1])
    return stood


@pytest.mark.slow
def test_sigkill_at_random_moments_changes_no_parameter_and_no_metric(
    tmp_path: Path, searcher_folder: Path
) -> None:
    calm, killed = tmp_path / "calm", tmp_path / "killed"
    stood = trained(killed, searcher_folder, "0")
    assert len(set(stood)) >= 3, f"too few kills between updates to show anything: {stood}"
    assert trained(calm, searcher_folder, "calm") == []
    for name in ("metrics.jsonl", "episodes.jsonl", f"{LAST}/model.safetensors"):
        assert (killed / name).read_bytes() == (calm / name).read_bytes(), name
    moments = [
        torch.load(run / LAST / "training.pt", weights_only=True)["optimizer"]
        for run in (killed, calm)
    ]
    assert moments[0]["param_groups"] == moments[1]["param_groups"]
    for number, own in moments[0]["state"].items():
        for name, value in own.items():
            assert torch.equal(value, moments[1]["state"][number][name]), name
    states = [json.loads((run / LAST / "state.json").read_text()) for run in (killed, calm)]
    del states[0]["offsets"]["timings.jsonl"], states[1]["offsets"]["timings.jsonl"]
    assert states[0] == states[1]
