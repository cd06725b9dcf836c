"""One process at a time in a run folder; ranks end with whoever started them."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from small_policy import run_settings

from igs_agent import run_lock
from igs_agent.config_file import load_config
from igs_agent.executors import rank
from igs_agent.file_lock import FileLock
from igs_agent.run_lock import RunLock
from igs_agent.tracking import RunFolderError
from igs_agent.trainer import train
from igs_env.errors import ConfigurationError

HOLDS = """
import sys, time
from pathlib import Path
from igs_agent.run_lock import RunLock
lock = RunLock(Path(sys.argv[1]))
lock.take()
print("holds", flush=True)
time.sleep(600)
"""


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A lock that somebody holds is reported at once."""
    monkeypatch.setattr(run_lock, "PATIENCE", 0.0)


def held_elsewhere(folder: Path) -> subprocess.Popen[str]:
    """A process that holds the folder's lock."""
    process = subprocess.Popen(
        [sys.executable, "-c", HOLDS, str(folder)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "holds\n"
    return process


@pytest.mark.usefixtures("impatient")
def test_a_run_that_goes_on_elsewhere_is_neither_resumed_nor_started_and_its_holder_is_named(
    tmp_path: Path, searcher_folder: Path
) -> None:
    run = tmp_path / "run"
    config = load_config(None, run_settings(run, searcher_folder, "updates=1"))
    train(config, report=None)
    rows = (run / "metrics.jsonl").read_bytes()
    holder = held_elsewhere(run)
    try:
        with pytest.raises(ConfigurationError, match=f"process {holder.pid} on .* trains in"):
            train(config, resume=True, report=None)
    finally:
        holder.kill()
        holder.wait()
    assert (run / "metrics.jsonl").read_bytes() == rows
    # The holder was killed, and its lock went with it; the file that is left means nothing.
    longer = load_config(None, run_settings(run, searcher_folder, "updates=2"))
    assert train(longer, resume=True, report=None).updates == 2


@pytest.mark.usefixtures("impatient")
def test_a_start_that_fails_leaves_no_lock(tmp_path: Path, searcher_folder: Path) -> None:
    run = tmp_path / "run"
    config = load_config(None, run_settings(run, searcher_folder, "updates=1"))
    train(config, report=None)
    other = load_config(None, run_settings(run, searcher_folder, "updates=2", "seed=5"))
    with pytest.raises(ConfigurationError, match="seed is not what the run was started with"):
        train(other, resume=True, report=None)
    lock = RunLock(run)
    lock.take()
    lock.release()


def test_a_lock_waits_a_moment_for_a_process_that_is_about_to_end(tmp_path: Path) -> None:
    holder = held_elsewhere(tmp_path)
    ending = subprocess.Popen(["sh", "-c", f"sleep 0.5; kill -9 {holder.pid}"])
    lock = RunLock(tmp_path)
    lock.take()
    lock.release()
    ending.wait()
    holder.wait()


def test_a_folder_that_cannot_be_made_is_one_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match="cannot be written"):
        RunLock(tmp_path / "file" / "run").take()


def test_a_rank_without_a_driver_does_nothing(tmp_path: Path) -> None:
    rank.main(tmp_path / "gone")
    (tmp_path / rank.DRIVER).touch()
    rank.main(tmp_path)  # there is no start.json that it could read


def test_a_rank_ends_within_moments_of_its_driver(tmp_path: Path) -> None:
    driver = FileLock(tmp_path / rank.DRIVER)
    assert driver.take()
    watched = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import sys; from pathlib import Path; from igs_agent.executors import rank\n"
            "rank._end_with_driver(Path(sys.argv[1]))",
            str(tmp_path),
        ]
    )
    time.sleep(1.5)
    assert watched.poll() is None
    driver.release()
    assert watched.wait(timeout=60) == 1
