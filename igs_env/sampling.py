"""Which question an episode is about: drawn by the environment's generator, or chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from igs_env.errors import ConfigurationError, unknown_name
from igs_env.task import Task
from igs_env.transition import begin
from igs_env.types import Episode, Question

RESET_OPTIONS = ("question_id", "question")
"""`question_id`: an id of the task's questions; `question`: a `Question` object."""


def new_episode(
    task: Task,
    random: np.random.Generator,
    *,
    question: Question | None = None,
    member: int = 0,
    first: Episode | None = None,
) -> Episode:
    """An episode on a question drawn uniformly, or on the given one.

    Args:
        task: its questions and rules.
        random: consumed alike whether or not a question is given, so that choosing one does not
            shift what follows.
        question: the question, or None to draw one.
        member: index within a group.
        first: first member of the group that the episode joins; `random` is then not consumed.
    """
    if first is not None:
        question, seed = first.question, first.seed
    else:
        seed = int(random.integers(2**63))
        drawn = task.questions[int(random.integers(len(task.questions)))]
        question = question or drawn
    group_id = f"{question.id}/{seed:016x}"
    return begin(task.rules, question, group_id=group_id, seed=seed, member=member)


def chosen_question(task: Task, options: Mapping[str, Any] | None) -> Question | None:
    """The question that `reset(options=…)` asks for, or None to draw one.

    Raises `ConfigurationError` for an unknown option, an unknown id, a question without answers,
    or both options at once.
    """
    if not options:
        return None
    unknown = sorted(set(options) - set(RESET_OPTIONS))
    if unknown:
        raise unknown_name("reset option", unknown[0], RESET_OPTIONS)
    if len(options) > 1:
        raise ConfigurationError("give question_id or question, not both")
    if "question_id" in options:
        return task.question(options["question_id"])
    question = options["question"]
    if not isinstance(question, Question):
        raise ConfigurationError(
            f"option question must be an igs_env.types.Question, got {type(question).__name__}; "
            "to name one by its id use question_id"
        )
    if not question.answers:
        raise ConfigurationError(f"question {question.id!r} has no answers; give at least one")
    return question
