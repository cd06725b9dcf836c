"""A task's questions as the data set that TRL's trainers iterate over."""

from __future__ import annotations

from typing import Any

from igs_env.errors import missing_package
from igs_env.prompt import render_prompt
from igs_env.task import Task

TOOL_PROMPT = (
    "Answer the question. Call search as often as you need, then call answer with the answer and "
    "nothing but it.\nQuestion: "
)


def question_dataset(task: Task) -> Any:
    """Columns `prompt`, an episode's first observation, and `question_id`."""
    protocol = task.rules.protocol
    return _dataset(
        [{"prompt": render_prompt(protocol, q), "question_id": q.id} for q in task.questions]
    )


def tool_dataset(task: Task, prompt: str = TOOL_PROMPT) -> Any:
    """The same for `SearchEnvironment`, which puts the question behind the last message."""
    message = [{"role": "user", "content": prompt}]
    return _dataset([{"prompt": message, "question_id": q.id} for q in task.questions])


def _dataset(rows: list[dict[str, Any]]) -> Any:
    try:
        from datasets import Dataset
    except ModuleNotFoundError as error:
        raise missing_package("datasets", extra="trl", purpose="igs_agent.adapters.trl") from error
    return Dataset.from_list(rows)
