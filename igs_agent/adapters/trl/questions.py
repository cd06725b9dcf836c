"""A task's questions as the data set that TRL's trainers iterate over."""

from __future__ import annotations

from typing import Any

from datasets import Dataset

from igs_env.prompt import render_prompt
from igs_env.task import Task

TOOL_PROMPT = (
    "Answer the question. Call search as often as you need, then call answer with the answer and "
    "nothing but it.\nQuestion: "
)


def question_dataset(task: Task) -> Any:
    """Columns `prompt`, an episode's first observation, and `question_id`."""
    protocol = task.rules.protocol
    return Dataset.from_list(
        [{"prompt": render_prompt(protocol, q), "question_id": q.id} for q in task.questions]
    )


def tool_dataset(task: Task, prompt: str = TOOL_PROMPT) -> Any:
    """The same for `SearchEnvironment`, which puts the question behind the last message."""
    message = [{"role": "user", "content": prompt}]
    return Dataset.from_list([{"prompt": message, "question_id": q.id} for q in task.questions])
