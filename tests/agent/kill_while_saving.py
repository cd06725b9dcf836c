"""A training loop that saves after every step, killed with SIGKILL again and again.

Run as a script with a folder and a seed. Each round forks a process that loads the newest
checkpoint, trains and saves until it is killed at a random moment. Prints as JSON how many rounds
left a half-written folder behind, and where the run stood after each round.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from pathlib import Path

import torch
from small_policy import adamw, small_policy, train_a_little

from igs_agent.checkpoint import (
    RunState,
    drop_old,
    load_checkpoint,
    newest_checkpoint,
    save_checkpoint,
)
from igs_agent.policy import Policy

ROUNDS = 30


def go_on(folder: Path) -> None:
    """Train from the newest checkpoint, saving after every update, for ever."""
    policy = small_policy()
    optimizer = adamw(policy)
    newest = newest_checkpoint(folder)
    update = load_checkpoint(newest, policy, optimizer).update if newest else 0
    while True:
        train_a_little(policy, optimizer, seed=update)
        update += 1
        state = RunState(update=update, best=0.0, without_improvement=0, offsets={})
        save_checkpoint(folder / f"update-{update:06d}", policy, optimizer, state)
        drop_old(folder, keep=1)


def undisturbed(updates: int) -> Policy:
    """The policy of a run that nobody killed."""
    policy = small_policy()
    optimizer = adamw(policy)
    for update in range(updates):
        train_a_little(policy, optimizer, seed=update)
    return policy


def killed_once(folder: Path, seconds: float) -> None:
    """Let a process train until it has begun to save, and then for so long.

    Counted from the first save, so that a busy machine gets there too.
    """
    before = set(folder.glob("*"))
    child = os.fork()
    if child == 0:
        try:
            go_on(folder)
        finally:
            os._exit(1)
    deadline = time.monotonic() + 60
    while set(folder.glob("*")) == before and time.monotonic() < deadline:
        time.sleep(0.001)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), "the process ended by itself, before it was killed"


def main(folder: Path, seed: int) -> None:
    """Kill a run many times, then compare where it got with a run that was left alone."""
    torch.set_num_threads(1)
    delays = random.Random(seed)
    small_policy()
    half_written, updates = 0, []
    for _ in range(ROUNDS):
        killed_once(folder, delays.uniform(0.0, 0.15))
        half_written += any(folder.glob("*.partial"))
        newest = newest_checkpoint(folder)
        policy = small_policy(seed=9)
        optimizer = adamw(policy)
        updates.append(load_checkpoint(newest, policy, optimizer).update if newest else 0)
    expected = undisturbed(updates[-1]).model.state_dict()
    equal = all(torch.equal(v, expected[k]) for k, v in policy.model.state_dict().items())
    sys.stdout.write(
        json.dumps({"half_written": half_written, "updates": updates, "equal": equal}) + "\n"
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
