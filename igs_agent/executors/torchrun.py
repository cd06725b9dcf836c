"""`torchrun`: ranks on this machine, watched by torch's elastic agent.

On several machines start torchrun yourself, with as many ranks as there are devices, and
`-m igs_agent.cli train … executor=torchrun`: a process that finds itself a rank joins the others.
All of them must see the run folder. Set TORCH_DISABLE_SHARE_RDZV_TCP_STORE=1 where torchrun may
start ranks again.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from igs_agent.config import TrainConfig
from igs_agent.executors.launch import LostRankError
from igs_agent.executors.rank import DRIVER, ERROR, write_start
from igs_agent.file_lock import FileLock
from igs_env.errors import IGSearchError

_FRESH_STORE = {"TORCH_DISABLE_SHARE_RDZV_TCP_STORE": "1"}
"""Ranks that are started again meet in a store of their own. In the agent's, which is shared by
default, they may read the addresses of the ranks before them, and wait for the dead
(pytorch/pytorch#135712)."""


def run_ranks(config: TrainConfig, *, resume: bool, quiet: bool) -> None:
    """Start `executor.ranks` ranks, all of them again when one is lost, until they are through.

    Raises:
        LostRankError: they were lost more often than `executor.restarts`.
        IGSearchError: what a rank raised.
    """
    settings = config.executor
    with tempfile.TemporaryDirectory(prefix="igs-ranks-") as name:
        folder = Path(name)
        write_start(folder, config, resume=resume, quiet=quiet)
        driver = FileLock(folder / DRIVER)
        driver.take()
        command = [
            *(sys.executable, "-m", "torch.distributed.run", "--standalone"),
            *("--nproc-per-node", str(settings.ranks), "--max-restarts", str(settings.restarts)),
            *("--monitor-interval", "0.2", "-m", "igs_agent.executors.rank", str(folder)),
        ]
        try:
            done = subprocess.run(command, check=False, env={**os.environ, **_FRESH_STORE})
        finally:
            driver.release()
        error = folder / ERROR
        if error.exists():
            raise IGSearchError(error.read_text(encoding="utf-8"))
    if done.returncode:
        raise LostRankError(
            f"ranks were lost {settings.restarts + 1} times, see what they say above; go on with "
            '"igs train --resume", or allow more with executor.restarts'
        )
