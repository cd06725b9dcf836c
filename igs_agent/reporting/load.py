"""A run folder, read as far as it can be read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from igs_agent.reporting.answers import AnswerRow, read_answers
from igs_agent.reporting.episodes import EpisodeRecord, read_episodes
from igs_agent.reporting.lines import Row, UnusableRowError, read_rows, update_of
from igs_agent.reporting.settings import Settings, read_settings
from igs_agent.tracking.contract import RunFolderError

Numbers = Mapping[str, float]
_FILES = ("config.toml", "metrics.jsonl", "episodes.jsonl")


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Everything that a report knows of a run."""

    path: Path
    settings: Settings
    """Empty where they cannot be read."""
    updates: Mapping[int, Numbers]
    """Update → its metrics."""
    evaluations: Mapping[int, Numbers]
    """Updates done → metrics of the evaluation then."""
    timings: Mapping[int, Numbers]
    answers: Mapping[int, tuple[AnswerRow, ...]]
    """Updates done → rows of the evaluation then."""
    episodes: EpisodeRecord
    problems: tuple[str, ...]
    """What is missing, as sentences."""

    @property
    def name(self) -> str:
        """Of its folder."""
        return self.path.resolve().name

    @property
    def seed(self) -> object:
        """None where it is not known."""
        return self.settings.get("seed")

    @property
    def planned(self) -> int | None:
        """Updates that it was to have."""
        value = self.settings.get("updates")
        return value if isinstance(value, int) else None


def read_run(path: Path) -> Run:
    """The run in a folder.

    Raises:
        RunFolderError: there is no such folder, or nothing of a run in it.
    """
    if not path.is_dir():
        raise RunFolderError(f"there is no run folder {path}; igs train makes one with run={path}")
    if not any((path / name).exists() for name in _FILES):
        raise RunFolderError(
            f"{path} holds no run: none of {', '.join(_FILES)} is in it; give the folder that igs "
            "train was told by run=…"
        )
    settings, problems = read_settings(path / "config.toml")
    metrics, about_metrics = read_rows(path / "metrics.jsonl", _numbers)
    timings, about_timings = read_rows(path / "timings.jsonl", _numbers)
    episodes, about_episodes = read_episodes(path / "episodes.jsonl")
    answers, about_answers = read_answers(path / "dev")
    return Run(
        path=path,
        settings=settings,
        updates={n: row for n, row in metrics if not _is_evaluation(row)},
        evaluations={n: row for n, row in metrics if _is_evaluation(row)},
        timings=dict(timings),
        answers=answers,
        episodes=episodes,
        problems=(*problems, *about_metrics, *about_timings, *about_episodes, *about_answers),
    )


def unfinished(run: Run) -> str | None:
    """Says that the run ends before it should; None where it does not."""
    done = len(run.updates)
    if run.planned is None or done >= run.planned:
        return None
    return f"{done} of {run.planned} updates are recorded: it is going on, or was stopped"


def _numbers(row: Row) -> tuple[int, Numbers]:
    found = {key: value for key, value in row.items() if key != "update" and value is not None}
    wrong = [key for key, value in found.items() if not isinstance(value, int | float)]
    if wrong:
        raise UnusableRowError(f"{wrong[0][:40]} is no number")
    return update_of(row), {key: float(value) for key, value in found.items()}


def _is_evaluation(row: Numbers) -> bool:
    return any(key.startswith("eval/") for key in row)
