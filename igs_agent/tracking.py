"""Where a run's numbers go: JSONL files always, W&B when asked.

`metrics.jsonl` holds nothing that depends on the clock, so that equal runs write equal bytes;
times go to `timings.jsonl`. `episodes.jsonl` has one row per episode. Lines are flushed as they
are written and can be read after a crash.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from igs_env.errors import IGSearchError, missing_package

FILES = ("metrics.jsonl", "timings.jsonl", "episodes.jsonl")


class Tracker(Protocol):
    """Takes what a run reports."""

    def metrics(self, update: int, values: Mapping[str, float]) -> None:
        """Numbers of one update."""
        ...

    def timings(self, update: int, seconds: Mapping[str, float]) -> None:
        """Seconds per phase of one update."""
        ...

    def episodes(self, update: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """One JSON-serialisable row per episode."""
        ...

    def close(self) -> None:
        """Nothing more will come."""
        ...


class RunFolderError(IGSearchError, OSError):
    """A run folder that cannot be written."""


class JsonlTracker:
    """The three JSONL files of a run folder."""

    def __init__(self, folder: Path, offsets: Mapping[str, int]) -> None:
        """Go on behind `offsets` bytes of each file; what stands behind them is cut off.

        A run that is resumed repeats the updates after its checkpoint, and must not count their
        rows twice.
        """
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._files = {name: (folder / name).open("ab") for name in FILES}
            for name, file in self._files.items():
                file.truncate(offsets.get(name, 0))
                file.seek(0, os.SEEK_END)
        except OSError as error:
            raise RunFolderError(
                f"the run folder {folder} cannot be written: {error}; choose another with run=…"
            ) from error

    def metrics(self, update: int, values: Mapping[str, float]) -> None:
        """See `Tracker.metrics`."""
        self._write("metrics.jsonl", [{"update": update, **values}])

    def timings(self, update: int, seconds: Mapping[str, float]) -> None:
        """See `Tracker.timings`."""
        self._write("timings.jsonl", [{"update": update, **seconds}])

    def episodes(self, update: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """See `Tracker.episodes`."""
        self._write("episodes.jsonl", [{"update": update, **row} for row in rows])

    def offsets(self) -> dict[str, int]:
        """Bytes written to each file so far."""
        return {name: file.tell() for name, file in self._files.items()}

    def close(self) -> None:
        """Close the files."""
        for file in self._files.values():
            file.close()

    def _write(self, name: str, rows: Sequence[Mapping[str, Any]]) -> None:
        text = "".join(f"{json.dumps(row, sort_keys=True, ensure_ascii=False)}\n" for row in rows)
        try:
            self._files[name].write(text.encode("utf-8", "surrogatepass"))
            self._files[name].flush()
        except OSError as error:
            raise RunFolderError(
                f"{name} could not be written: {error}; free space, then go on with "
                '"igs train --resume"'
            ) from error


class WandbTracker:
    """Scalars under their names, and a table with one row per turn (extra `wandb`)."""

    def __init__(self, project: str, run: Path, config: Mapping[str, Any]) -> None:
        """Start a W&B run; `WANDB_MODE=offline` keeps it on this machine."""
        try:
            import wandb
        except ImportError as error:
            raise missing_package("wandb", extra="wandb", purpose="tracking.wandb") from error
        self._wandb = wandb
        self._run = wandb.init(
            project=project, name=run.name, dir=str(run), config=dict(config), resume="allow"
        )

    def metrics(self, update: int, values: Mapping[str, float]) -> None:
        """See `Tracker.metrics`."""
        self._run.log(dict(values), step=update)

    def timings(self, update: int, seconds: Mapping[str, float]) -> None:
        """See `Tracker.timings`."""
        self._run.log({f"seconds/{name}": value for name, value in seconds.items()}, step=update)

    def episodes(self, update: int, rows: Sequence[Mapping[str, Any]]) -> None:
        """See `Tracker.episodes`; one table row per turn."""
        columns = ["update", "episode", "question", "turn", "action", "text", "gain", "reward"]
        table = self._wandb.Table(columns=columns)
        for row in rows:
            for turn, step in enumerate(row["steps"]):
                table.add_data(
                    update,
                    row["id"],
                    row["question"],
                    turn,
                    step["action"],
                    step["output"],
                    step.get("gain"),
                    row["reward"],
                )
        self._run.log({"turns": table}, step=update)

    def close(self) -> None:
        """Finish the W&B run."""
        self._run.finish()


def write_jsonl(path: str | Path, rows: Sequence[Mapping[str, Any]]) -> None:
    """Write rows as one JSON object per line."""
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    Path(path).write_text(text, encoding="utf-8")


def read_jsonl(path: Path) -> Iterator[dict[str, Any]]:
    """Rows of a JSONL file; a last line that a crash cut off is left out.

    Raises `ValueError` for a broken line that is not the last.
    """
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                return
            try:
                yield json.loads(line)
            except ValueError as error:
                raise ValueError(f"{path}, line {number} is no JSON: {error}") from error
