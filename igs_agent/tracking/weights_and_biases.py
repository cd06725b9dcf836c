"""A run on Weights & Biases (extra `wandb`), or on this machine with `WANDB_MODE=offline`."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from igs_agent.tracking.contract import RunFolderError
from igs_env.errors import missing_package

COLUMNS = (
    "update",
    "episode",
    "question",
    "turn",
    "action",
    "output",
    "documents",
    "gain",
    "gain_stderr",
    "log_prob_real",
    "log_probs_counterfactual",
    "credit",
    "query_credit",
    "reward",
)
"""Of the table `turns`, which has one row per turn of an update's episodes."""

_IDENTITY = "wandb-id.txt"


class WandbTracker:
    """Scalars under their own names against `update`, the table `turns`, the report at the end."""

    def __init__(self, project: str, run: Path, config: Mapping[str, Any]) -> None:
        """Start a W&B run for the run folder, or go on with the one that it has."""
        try:
            import wandb
        except ImportError as error:
            raise missing_package("wandb", extra="wandb", purpose="tracking.wandb") from error
        self._wandb, self._folder = wandb, run
        self._run = wandb.init(
            project=project,
            name=run.name,
            dir=str(run),
            config=dict(config),
            id=_identity(run),
            resume="allow",
        )
        # W&B's own step may only grow; a run that was resumed repeats some updates.
        self._run.define_metric("update")
        self._run.define_metric("*", step_metric="update")

    def metrics(self, update: int, values: Mapping[str, float]) -> None:
        """See `Tracker.metrics`."""
        self._run.log({"update": update, **values})

    def episodes(self, update: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """See `Tracker.episodes`; one table row per turn."""
        data = [[turn[name] for name in COLUMNS] for row in rows for turn in _turns(update, row)]
        table = self._wandb.Table(columns=list(COLUMNS), data=data)
        self._run.log({"update": update, "turns": table})

    def timings(self, update: int, seconds: Mapping[str, float]) -> None:
        """See `Tracker.timings`; phases are `seconds/rollout` and so on."""
        phases = {f"seconds/{name}": value for name, value in seconds.items()}
        self._run.log({"update": update, **phases})

    def close(self) -> None:
        """Log the run's report, where the extra `report` is installed, and finish the W&B run."""
        self._log_report()
        self._run.finish()

    def _log_report(self) -> None:
        from igs_agent.reporting import leave_report

        # What ended a run, such as a full disk, must not be hidden by its last page.
        with suppress(RunFolderError):
            page = leave_report(self._folder)
            if page is not None:
                artifact = self._wandb.Artifact(f"report-{self._run.id}", type="report")
                artifact.add_file(str(page))
                self._run.log_artifact(artifact)


def _turns(update: int, row: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """The table's rows of one episode; lists become text, for W&B wants one type per column."""
    whole = {"update": update, "episode": row["id"], "question": row["question"]}
    for number, step in enumerate(row["steps"]):
        scores = step.get("log_probs_counterfactual") or ()
        yield {
            **{name: step.get(name) for name in COLUMNS},
            **whole,
            "reward": row["reward"],
            "turn": number,
            "documents": ", ".join(step["documents"]),
            "log_probs_counterfactual": ", ".join(f"{score:.4f}" for score in scores),
        }


def _identity(run: Path) -> str:
    """The W&B id of a run folder, made up once."""
    path = run / _IDENTITY
    if not path.exists():
        path.write_text(f"{uuid.uuid4().hex[:12]}\n", encoding="utf-8")
    return path.read_text(encoding="utf-8").strip()
