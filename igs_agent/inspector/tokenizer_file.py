"""Where the tokenizer of a run lies, without loading a model."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_FILE = "tokenizer.json"


def tokenizer_file(run: Path, policy: str) -> Path | None:
    """The `tokenizer.json` of a run; None where none is at hand.

    Looked for in the run's checkpoints, which hold their own, then where the policy came from:
    a folder, `tiny`, or a hub model that this machine has already.

    Args:
        run: folder of the run.
        policy: `policy.path` of its configuration; empty where it is not known.
    """
    return next((path for path in _candidates(run, policy) if path.is_file()), None)


def _candidates(run: Path, policy: str) -> Iterator[Path]:
    for kind in ("best", "checkpoints"):
        saved = [path for path in (run / kind).glob("update-*") if _is_whole(path)]
        yield from (path / _FILE for path in sorted(saved, reverse=True))
    if policy == "tiny":
        yield Path(__file__).parents[1] / "data" / "tiny" / _FILE
    elif policy:
        yield Path(policy).expanduser() / _FILE
        yield from _cached(policy)


def _is_whole(checkpoint: Path) -> bool:
    """Not the half of a checkpoint that is being written."""
    return re.fullmatch(r"update-\d+(\.replaced)?", checkpoint.name) is not None


def _cached(name: str) -> Iterator[Path]:
    if re.fullmatch(r"[\w.-]+/[\w.-]+", name) is None:
        return
    try:
        from huggingface_hub import try_to_load_from_cache
    except ImportError:  # then it has downloaded nothing either
        return
    found = try_to_load_from_cache(name, _FILE)
    if isinstance(found, str):
        yield Path(found)
