"""Checkpoints: everything that a run needs to go on as if it had never stopped.

A checkpoint is a folder that is also a plain transformers model folder. It is written beside its
place and renamed into it, so that a checkpoint that exists is complete; checksums tell one that
was damaged afterwards.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError

from igs_agent.policy import Policy
from igs_agent.random_state import random_state, set_random_state
from igs_agent.weights import read_weights, write_weights
from igs_agent.whole_folder import PARTIAL, damage, write_whole
from igs_env.errors import ConfigurationError, IGSearchError

logger = logging.getLogger(__name__)

_STATE, _TRAINING = "state.json", "training.pt"
_NAME = re.compile(r"update-(\d+)(\.replaced)?")
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_READ_ONLY = (errno.EACCES, errno.EPERM, errno.EROFS)


class CheckpointError(IGSearchError, OSError):
    """A checkpoint that cannot be written or read; the message says which and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Where a run stands, besides its weights, optimiser and random generators."""

    update: int
    """Updates done. Questions, draws and learning rate of every update follow from it and the
    seed."""
    best: float
    """Best evaluation EM so far; −1 before the first."""
    without_improvement: int
    """Evaluations since."""
    offsets: Mapping[str, int]
    """File name → bytes of the run's JSONL files that belong to these updates."""


def save_checkpoint(
    folder: Path,
    policy: Policy,
    optimizer: torch.optim.Optimizer | Mapping[str, Any],
    state: RunState,
) -> None:
    """Write a checkpoint at `folder`, whose name is `update-` and the number of updates.

    Nothing is written where the same state stands already, undamaged.

    Args:
        folder: its place.
        policy: a whole one.
        optimizer: over its parameters, or the state that such a one would have.
        state: where the run stands.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written. Checkpoints that were
            there before are still there.
    """

    def write(target: Path) -> None:
        write_weights(policy, target)
        kept = optimizer.state_dict() if hasattr(optimizer, "state_dict") else dict(optimizer)
        training = {"optimizer": kept, "random": random_state()}
        with (target / _TRAINING).open("wb") as file:
            torch.save(training, file)
        (target / _STATE).write_text(json.dumps(asdict(state), indent=1), encoding="utf-8")

    try:
        if _holds(folder, state):
            return
        for old in folder.parent.glob(f"update-*{PARTIAL}"):  # of a process that was killed
            shutil.rmtree(old)
        write_whole(folder, write)
    except (OSError, RuntimeError, SafetensorError) as error:
        code = _error_number(error)
        if code is None:
            raise
        raise CheckpointError(_not_written(folder, code)) from error


def load_checkpoint(folder: Path, policy: Policy, optimizer: torch.optim.Optimizer) -> RunState:
    """Put a checkpoint into the policy, the optimiser and the process's random generators.

    Raises:
        CheckpointError: it is damaged, or of another model or optimiser.
    """
    state, training = read_checkpoint(folder, policy)
    put_training(folder, training, optimizer.load_state_dict)
    return state


def read_checkpoint(folder: Path, policy: Policy) -> tuple[RunState, dict[str, Any]]:
    """(where the run stood, what `put_training` takes); the weights go into the policy.

    Raises `CheckpointError` as `load_checkpoint`.
    """
    problem = damage(folder)
    if problem:
        raise CheckpointError(f"the checkpoint {folder} is damaged: {problem}")
    try:
        read_weights(policy, folder)
    except (ConfigurationError, ValueError) as error:
        raise _unfit(folder, error) from error
    training = torch.load(folder / _TRAINING, map_location="cpu", weights_only=True)
    return RunState(**json.loads((folder / _STATE).read_text(encoding="utf-8"))), training


def put_training(
    folder: Path, training: Mapping[str, Any], load: Callable[[dict[str, Any]], object]
) -> None:
    """Put the rest of a checkpoint into an optimiser, by `load`, and the random generators.

    Raises `CheckpointError` where it is of another optimiser.
    """
    try:
        load(training["optimizer"])
    except ValueError as error:
        raise _unfit(folder, error) from error
    set_random_state(training["random"])


def _unfit(folder: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"the checkpoint {folder} does not fit the configuration: {error}")


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest undamaged checkpoint in a folder; damaged ones are named in a warning."""
    for candidate in _checkpoints(folder):
        problem = damage(candidate)
        if problem is None:
            return candidate
        logger.warning("skipping the checkpoint %s: %s", candidate, problem)
    return None


def drop_old(folder: Path, keep: int) -> None:
    """Delete all but the newest `keep` checkpoints of a folder."""
    for old in list(_checkpoints(folder))[keep:]:
        shutil.rmtree(old)


def policy_source(path: str) -> str:
    """Where the weights are that `path` names: a run folder stands for its best checkpoint.

    Other folders, hub names and `tiny` are themselves. A run that was never evaluated, or never
    better than at its start, has no best one, and its newest is taken.

    Raises:
        ConfigurationError: a run folder without an undamaged checkpoint.
    """
    run = Path(path).expanduser()
    if not (run / "config.toml").is_file():
        return path
    found = newest_checkpoint(run / "best") or newest_checkpoint(run / "checkpoints")
    if found is None:
        raise ConfigurationError(
            f"the run {path} has no checkpoint that could be used; train it for longer, or give "
            "another policy"
        )
    return str(found)


def _checkpoints(folder: Path) -> Iterator[Path]:
    """Newest first; one that stands aside comes behind that which takes its place."""
    found = [(path, _NAME.fullmatch(path.name)) for path in folder.glob("update-*")]
    numbered = [(int(match[1]), match[2] is None, path) for path, match in found if match]
    yield from (path for _, _, path in sorted(numbered, reverse=True))


def _holds(folder: Path, state: RunState) -> bool:
    if not folder.is_dir() or damage(folder) is not None:
        return False
    saved = json.loads((folder / _STATE).read_text(encoding="utf-8"))
    return RunState(**saved) == state


def _error_number(error: Exception) -> int | None:
    """The operating system's number behind an error of torch's or safetensors' writers.

    torch raises a RuntimeError in whose context the real one is, safetensors an error of its own
    whose text ends in "(os error 28)".
    """
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, OSError):
            return cause.errno
        cause = cause.__context__
    stated = re.search(r"os error (\d+)", str(error))
    return int(stated[1]) if stated else None


def _not_written(folder: Path, code: int) -> str:
    place, reason = folder.parent, os.strerror(code)
    if code in _FULL:
        words = f"the disk of {place} is full ({reason}); free space,"
    elif code in _READ_ONLY:
        words = f"{place} cannot be written to ({reason}); make it writable, or move the run,"
    else:
        words = f"{reason}; mend this,"
    return (
        f'the checkpoint {folder.name} was not written: {words} then go on with "igs train '
        f'--resume run={place.parent}": earlier checkpoints are untouched'
    )
