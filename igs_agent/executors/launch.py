"""Starting the ranks of a run, and starting them again when one is lost."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from igs_agent.config import TrainConfig
from igs_agent.evaluation import read_evaluation
from igs_agent.executors.ranks import is_rank
from igs_env.errors import IGSearchError

if TYPE_CHECKING:
    from igs_agent.run import Report
    from igs_agent.trainer import TrainResult


class LostRankError(IGSearchError):
    """Ranks were lost more often than `executor.restarts` allows."""


def launches(config: TrainConfig) -> bool:
    """Whether this process has to start ranks, rather than be one or be all there is."""
    return config.executor.name != "local" and not is_rank()


def launched(config: TrainConfig, *, resume: bool, report: Report | None) -> TrainResult:
    """Train on ranks started for it; their output is passed on.

    Raises:
        LostRankError: too many were lost; what was saved is there to be resumed.
        IGSearchError: what a rank raised.
    """
    from igs_agent.trainer import TrainResult

    if config.executor.name == "ray":
        from igs_agent.executors.ray import run_ranks
    else:
        from igs_agent.executors.torchrun import run_ranks
    run_ranks(config, resume=resume, quiet=report is None)
    folder = Path(config.run)
    (newest,) = sorted((folder / "checkpoints").glob("update-??????"))[-1:]
    evaluations = sorted((folder / "dev").glob("update-*.jsonl"))
    return TrainResult(
        updates=json.loads((newest / "state.json").read_text(encoding="utf-8"))["update"],
        first=read_evaluation(evaluations[0]),
        last=read_evaluation(evaluations[-1]),
        evaluated=int(evaluations[-1].stem.removeprefix("update-")),
        folder=folder,
    )
