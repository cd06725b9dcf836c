"""Which question an episode is about: drawn by the environment's generator, or chosen."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from igs_env.errors import ConfigurationError, unknown_name
from igs_env.task import Task
from igs_env.transition import begin
from igs_env.types import Episode, Question

RESET_OPTIONS = ("question_id", "question", "split")
"""`question_id`: an id of the task's questions; `question`: a `Question` object; `split`: draw from
that split, or find the id there, in this one episode."""


def new_episode(
    task: Task,
    random: np.random.Generator,
    *,
    question: Question | None = None,
    split: str | None = None,
    member: int = 0,
    first: Episode | None = None,
) -> Episode:
    """An episode on a question drawn uniformly, or on the given one.

    Args:
        task: its questions and rules.
        random: consumed alike whether or not a question is given, so that choosing one does not
            shift what follows.
        question: the question, or None to draw one.
        split: what to draw from, or None for the task's own questions.
        member: index within a group.
        first: first member of the group that the episode joins; `random` is then not consumed.
    """
    if first is not None:
        question, seed = first.question, first.seed
    else:
        seed = int(random.integers(2**63))
        drawn = task.questions[int(random.integers(len(task.questions)))]
        question = question or (drawn if split is None else _drawn(task.in_split(split), seed))
    group_id = f"{question.id}/{seed:016x}"
    return begin(task.rules, question, group_id=group_id, seed=seed, member=member)


def _drawn(task: Task, seed: int) -> Question:
    # A stream of its own: splits differ in size, and `random` is consumed alike for each.
    return task.questions[int(np.random.default_rng(seed).integers(len(task.questions)))]


def chosen_question(task: Task, options: Mapping[str, Any] | None) -> Question | None:
    """The question that `reset(options=…)` asks for, or None to draw one.

    Raises `ConfigurationError` for an unknown option, id or split, for a question without answers,
    and for one beside the other options.
    """
    if not options:
        return None
    unknown = sorted(set(options) - set(RESET_OPTIONS))
    if unknown:
        raise unknown_name("reset option", unknown[0], RESET_OPTIONS)
    if "question" in options and len(options) > 1:
        raise ConfigurationError(
            f"give {' or '.join(key for key in RESET_OPTIONS if key in options)}, not both"
        )
    if "split" in options:
        task = task.in_split(options["split"])
    if "question_id" in options:
        return task.question(options["question_id"])
    if "question" not in options:
        return None
    question = options["question"]
    if not isinstance(question, Question):
        raise ConfigurationError(
            f"option question must be an igs_env.types.Question, got {type(question).__name__}; "
            "to name one by its id use question_id"
        )
    if not question.answers:
        raise ConfigurationError(f"question {question.id!r} has no answers; give at least one")
    return question
