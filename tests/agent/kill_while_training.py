"""Training, killed with SIGKILL again and again until it is through, or left alone.

Run as a script with a folder, a model folder and a seed, or `calm` in its place. Prints as JSON
where the run stood after each kill.
"""

from __future__ import annotations

import json
import math
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from small_policy import run_settings, small_task

from igs_agent.config_file import load_config
from igs_agent.trainer import train

UPDATES = 8
MAX_KILLS = 100


def settings(run: Path, policy: Path) -> list[str]:
    """A run that evaluates and saves so often that kills hit either."""
    return run_settings(
        run,
        policy,
        f"updates={UPDATES}",
        "evaluation.every=2",
        "evaluation.questions=2",
        "rollout.max_tokens=24",
        "checkpoint.every=2",  # so that kills leave rows that a resume must cut off
        "optim.learning_rate=1e-3",
        "optim.warmup=3",
    )


def attempt(run: Path, policy: Path, events: float, seconds: float) -> bool:
    """Kill a process so long after its metrics changed so often; whether it was through before.

    Counting events rather than time, the run gets ahead on a busy machine too.
    """
    child = os.fork()
    if child == 0:
        status = 1
        try:
            config = load_config(None, settings(run, policy))
            train(config, resume=(run / "config.toml").exists(), report=lambda line: None)
            status = 0
        finally:
            os._exit(status)
    size = _size(run)
    deadline = math.inf
    while time.monotonic() < deadline:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            assert status == 0, "the run ended by itself, in an error"
            return True
        if _size(run) != size:
            size, events = _size(run), events - 1
        if events <= 0:
            deadline = min(deadline, time.monotonic() + seconds)
        time.sleep(0.002)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return False


def _size(run: Path) -> int:
    metrics = run / "metrics.jsonl"
    return metrics.stat().st_size if metrics.exists() else 0


def main(run: Path, policy: Path, seed: str) -> None:
    """Kill until it is through."""
    torch.set_num_threads(1)
    small_task(), small_task("dev")  # what every attempt would build anew is built once
    delays = random.Random(seed)
    stood: list[str] = []
    while not attempt(
        run,
        policy,
        math.inf if seed == "calm" else delays.choice([0, 2, 4, 5, 6]),
        delays.uniform(0.0, 0.3),
    ):
        found = sorted((run / "checkpoints").glob("update-??????"))
        stood.append(found[-1].name if found else "none")
        assert len(stood) <= MAX_KILLS, f"no progress: {stood}"
    sys.stdout.write(json.dumps(stood) + "\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3])
