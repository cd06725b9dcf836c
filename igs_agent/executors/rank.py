"""One rank of a run: the trainer's loop in a process that an executor started.

    python -m igs_agent.executors.rank FOLDER

with a folder that holds `config.toml` and `start.json`, written by `write_start`.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from pathlib import Path

from igs_agent.config import TrainConfig
from igs_agent.config_file import dump_config, load_config
from igs_agent.file_lock import FileLock
from igs_env.errors import IGSearchError

ERROR = "error.txt"
"""What a rank raised, for whoever started it."""
DRIVER = "driver"
"""File that is locked as long as the process lives that started the ranks."""


def write_start(folder: Path, config: TrainConfig, *, resume: bool, quiet: bool) -> None:
    """What `main` reads."""
    (folder / "config.toml").write_text(dump_config(config), encoding="utf-8")
    start = {"resume": resume, "quiet": quiet}
    (folder / "start.json").write_text(json.dumps(start), encoding="utf-8")


def run_rank(config: TrainConfig, *, resume: bool, quiet: bool, restarted: bool) -> None:
    """Train; after a restart from the newest checkpoint, if the run had begun."""
    from igs_agent.trainer import train

    begun = (Path(config.run) / "config.toml").exists()
    train(config, resume=resume or (restarted and begun), report=None if quiet else print)


def driver_lives(folder: Path) -> bool:
    """Whether the process that started the ranks is there; if it is not, its folder is ours."""
    lock = FileLock(folder / DRIVER)
    try:
        found = not lock.take()
    except FileNotFoundError:  # it ended in good order and took its folder with it
        return False
    lock.release()
    return found


def _end_with_driver(folder: Path) -> None:
    """A rank whose driver was killed would train on unseen, next to whoever resumes the run."""
    while driver_lives(folder):
        time.sleep(0.5)
    os._exit(1)


def main(folder: Path) -> None:
    """Train; an error that a user can mend, which starting again does not, is left in a file.

    Ends with whoever started it.
    """
    if not driver_lives(folder) or (folder / ERROR).exists():
        return
    threading.Thread(target=_end_with_driver, args=(folder,), daemon=True).start()
    start = json.loads((folder / "start.json").read_text(encoding="utf-8"))
    restarted = int(os.environ.get("TORCHELASTIC_RESTART_COUNT", "0")) > 0
    try:
        run_rank(load_config(folder / "config.toml"), **start, restarted=restarted)
    except IGSearchError as error:
        (folder / ERROR).write_text(str(error), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
