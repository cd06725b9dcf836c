"""Checkpoints: everything that a run needs to go on as if it had never stopped.

A checkpoint is a folder that is also a plain transformers model folder. It is written beside its
place and renamed into it, so that a checkpoint that exists is complete; checksums tell one that
was damaged afterwards.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from igs_agent.policy import Policy
from igs_env.errors import IGSearchError

logger = logging.getLogger(__name__)

MANIFEST = "manifest.json"
_STATE, _OPTIMIZER, _WEIGHTS = "state.json", "optimizer.pt", "model.safetensors"


class CheckpointError(IGSearchError, OSError):
    """A checkpoint that cannot be written or read; the message says which and what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunState:
    """Where a run stands, besides its weights and optimiser."""

    update: int
    """Updates done. Questions, draws and learning rate of every update follow from it and the
    seed, so that there is no other random state to keep."""
    best: float
    """Best evaluation EM so far; −1 before the first."""
    without_improvement: int
    """Evaluations since."""
    offsets: Mapping[str, int]
    """File name → bytes of the run's JSONL files that belong to these updates."""


def save_checkpoint(
    folder: Path, policy: Policy, optimizer: torch.optim.Optimizer, state: RunState
) -> None:
    """Write a checkpoint at `folder`, which names its update and so is written once.

    Raises:
        CheckpointError: the disk is full or the folder cannot be written. What was there before
            is still there.
    """
    partial = folder.with_name(f"{folder.name}.partial")
    try:
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir(parents=True)
        _write_parts(partial, policy, optimizer, state)
        _write(partial / MANIFEST, json.dumps(_checksums(partial), indent=1).encode())
        _sync(partial)
        if folder.exists():  # of the same update, written before a run went back to an older one
            shutil.rmtree(folder)
        partial.rename(folder)
        _sync(folder.parent)
    except (OSError, RuntimeError) as error:
        # torch and safetensors report a full disk as RuntimeError.
        shutil.rmtree(partial, ignore_errors=True)
        raise CheckpointError(
            f"the checkpoint {folder} could not be written: {error}; free space or choose another "
            'run folder, then go on with "igs train --resume": earlier checkpoints are untouched'
        ) from error


def load_checkpoint(folder: Path, policy: Policy, optimizer: torch.optim.Optimizer) -> RunState:
    """Load a checkpoint into the policy and the optimiser.

    Raises `CheckpointError` if a file is missing or its checksum differs.
    """
    problem = damage(folder)
    if problem:
        raise CheckpointError(f"the checkpoint {folder} is damaged: {problem}")
    result = policy.model.load_state_dict(load_file(folder / _WEIGHTS), strict=False)
    tied = set(policy.model.state_dict()) - set(_unshared(policy.model))
    if result.unexpected_keys or set(result.missing_keys) - tied:
        raise CheckpointError(f"the checkpoint {folder} is of another model than {policy.name!r}")
    optimizer.load_state_dict(torch.load(folder / _OPTIMIZER, weights_only=True))
    return RunState(**json.loads((folder / _STATE).read_text()))


def newest_checkpoint(folder: Path) -> Path | None:
    """The newest undamaged checkpoint in a folder; damaged ones are named in a warning."""
    found = sorted(folder.glob("update-*[0-9]"), reverse=True) if folder.is_dir() else []
    for candidate in found:
        problem = damage(candidate)
        if problem is None:
            return candidate
        logger.warning("skipping the checkpoint %s: %s", candidate, problem)
    return None


def drop_old(folder: Path, keep: int) -> None:
    """Delete all but the newest `keep` checkpoints of a folder."""
    for old in sorted(folder.glob("update-*[0-9]"), reverse=True)[keep:]:
        shutil.rmtree(old)


def damage(folder: Path) -> str | None:
    """What is wrong with a checkpoint's files, or None."""
    try:
        expected = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as error:
        return f"its {MANIFEST} cannot be read ({error})"
    for name, checksum in expected.items():
        path = folder / name
        if not path.is_file():
            return f"{name} is missing"
        if _checksum(path) != checksum:
            return f"{name} was changed after it was written"
    return None


def save_model(folder: Path, policy: Policy, dtype: torch.dtype | None = None) -> None:
    """Write a policy as a plain transformers folder, in `dtype` where one is given."""
    folder.mkdir(parents=True, exist_ok=True)
    model: Any = policy.model
    if hasattr(model, "get_base_model"):
        model.get_base_model().config.save_pretrained(folder)
    else:
        model.config.save_pretrained(folder)
        model.generation_config.save_pretrained(folder)
    policy.tokenizer.save_pretrained(folder)
    tensors = {
        name: tensor.to(dtype or tensor.dtype).cpu() for name, tensor in _unshared(model).items()
    }
    save_file(tensors, folder / _WEIGHTS, metadata={"format": "pt"})


def _write_parts(
    folder: Path, policy: Policy, optimizer: torch.optim.Optimizer, state: RunState
) -> None:
    save_model(folder, policy)
    torch.save(optimizer.state_dict(), folder / _OPTIMIZER)
    _write(folder / _STATE, json.dumps(asdict(state), indent=1).encode())


def _unshared(model: torch.nn.Module) -> dict[str, torch.Tensor]:
    """The model's tensors, each storage once: tied embeddings are tied again on loading."""
    seen: set[int] = set()
    kept = {}
    for name, tensor in model.state_dict().items():
        if tensor.data_ptr() not in seen:
            seen.add(tensor.data_ptr())
            kept[name] = tensor.contiguous()
    return kept


def _checksums(folder: Path) -> dict[str, str]:
    return {path.name: _checksum(path) for path in sorted(folder.iterdir()) if path.is_file()}


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _write(path: Path, data: bytes) -> None:
    with path.open("wb") as file:
        file.write(data)


def _sync(folder: Path) -> None:
    """Make a folder and its files survive a power cut."""
    for path in [*folder.iterdir(), folder] if folder.is_dir() else [folder]:
        if path.is_dir() and path != folder:
            continue
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
