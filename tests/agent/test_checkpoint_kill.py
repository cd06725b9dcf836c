"""SIGKILL at random moments while saving never costs a checkpoint."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import kill_while_saving
import pytest


@pytest.mark.slow
def test_a_run_killed_thirty_times_while_saving_ends_where_an_undisturbed_one_does(
    tmp_path: Path,
) -> None:
    run = subprocess.run(
        [sys.executable, kill_while_saving.__file__, str(tmp_path), "0"],
        capture_output=True,
        text=True,
        timeout=600,  # of a busy machine
        check=False,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert run.returncode == 0, run.stderr
    found = json.loads(run.stdout.splitlines()[-1])
    assert found["half_written"] > 0, "no kill hit a save: the test shows nothing"
    assert found["updates"] == sorted(found["updates"]), "an update that was saved was lost"
    assert found["updates"][-1] > 0, "no save ever ended"
    assert found["equal"]
