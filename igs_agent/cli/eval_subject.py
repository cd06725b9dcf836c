"""What an evaluation is about: which questions, under which rules."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from igs_env.task import Task
    from igs_env.transition import Rules
    from igs_env.types import Question


def limited(questions: Sequence[Question], limit: int | None) -> Sequence[Question]:
    """The questions, or so many of them, the same for everybody."""
    from igs_agent.run import subset
    from igs_env.errors import ConfigurationError

    if limit is None:
        return questions
    if limit < 1:
        raise ConfigurationError(f"--limit must be at least 1, got {limit}")
    return subset(questions, limit)


def rules_of(args: argparse.Namespace, task: Task) -> Rules:
    """The task's rules, with documents of other questions where the control is asked for."""
    from igs_agent.shuffled_retriever import ShuffledRetriever, queries_of

    if not args.shuffled_documents:
        return task.rules
    retriever = ShuffledRetriever(task.rules.retriever, queries_of(task.questions), args.seed)
    return replace(task.rules, retriever=retriever)
