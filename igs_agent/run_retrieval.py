"""The searches of a run: live or replayed, recorded, and too many of them failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from igs_agent.config import RetrievalConfig, TrainConfig
from igs_env.errors import IGSearchError
from igs_env.retrievers import is_url
from igs_env.retrievers.recorded import RecordedRetriever, ReplayedRetriever
from igs_env.retrievers.recording import FILE, Recording, open_recording, read_recording
from igs_env.task import Task, TaskOptions, make_task


class RetrievalOutageError(IGSearchError):
    """More searches failed than `retrieval.max_failed` allows; the run stopped."""


def task_of(config: TrainConfig, **more: object) -> Task:
    """The task of a configuration; where its searches are replayed no retriever is made."""
    options: TaskOptions = {**config.env, "sampler": "none", **more}  # type: ignore[typeddict-item]
    if config.retrieval.replay is not None:
        options["retriever"] = "replayed"
        options["retriever_kwargs"] = {"path": config.retrieval.replay}
        if is_url(config.env.get("retriever")):
            options.setdefault("corpus", "none")
    return make_task(**options)


def recorded_task(
    config: TrainConfig, task: Task, offsets: Mapping[str, int], *, rank: int = 0
) -> tuple[Task, Recording | None]:
    """(the task with its searches recorded in the run folder, the recording).

    A run that replays records too: its own file says how often it asked what, so that it goes on
    at the right answers when it is resumed.

    Args:
        config: says whether and where.
        task: made by `task_of`.
        offsets: bytes of the run's files that belong to the checkpoint it goes on from.
        rank: each has a file of its own, and replays that of the same rank.
    """
    settings = config.retrieval
    wanted = settings.record
    if wanted is None:
        wanted = settings.replay is not None or is_url(config.env.get("retriever"))
    if not wanted:
        return task, None
    name = FILE if rank == 0 else f"{Path(FILE).stem}.rank{rank}.jsonl"
    recording = open_recording(Path(config.run) / name, size=offsets.get(name, 0))
    retriever = task.rules.retriever
    if settings.replay is not None:
        source = Path(settings.replay)
        replayed = read_recording(source / name if source.is_dir() else source)
        retriever = ReplayedRetriever(replayed, recording.times())
    rules = replace(task.rules, retriever=RecordedRetriever(retriever, recording))
    return replace(task, rules=rules), recording


def check_outage(settings: RetrievalConfig, failed: float, what: str) -> None:
    """Raise `RetrievalOutageError` where a share of rollouts above the setting failed."""
    if failed > settings.max_failed:
        raise RetrievalOutageError(
            f"{what}: failed searches ended {failed:.0%} of the rollouts, more than "
            f"retrieval.max_failed={settings.max_failed:g} allows; the log says why they failed. "
            'Mend the retriever, then go on with "igs train --resume"'
        )
