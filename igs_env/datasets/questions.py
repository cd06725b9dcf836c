"""Question sets: from a name, a file, or live objects, with every row checked.

Rows have FlashRAG's fields `id, question, golden_answers` and, if there, `metadata`.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

from igs_env.datasets.question_row import question_from_row
from igs_env.datasets.registry import DATASETS, is_path, resolve
from igs_env.datasets.rows import open_rows
from igs_env.errors import ConfigurationError, DataError
from igs_env.types import Question

QuestionSource = str | os.PathLike[str] | Sequence[Question]


def load_questions(
    source: QuestionSource, *, split: str | None = None, limit: int | None = None
) -> Sequence[Question]:
    """The questions that `source` names, in the source's order.

    Args:
        source: a registered name, with arguments after a colon (`fiction:seed=3,hops=2`); a
            `.jsonl`, `.jsonl.gz`, `.json`, `.parquet` or `.arrow` file; `module:attribute`;
            several of these joined by `+` (`nq+hotpotqa`), one set after the other, with the ids
            `nq/…` and `hotpotqa/…`; or `Question` objects.
        split: `train`, `dev` or `test`. None takes a name's own default (`train`; a benchmark's
            evaluation split) and all of a file. Rows that state no split belong to every split.
        limit: at most this many, from the front.

    Raises:
        ConfigurationError: an unknown name or argument, or `limit` below 1.
        DataError: a missing or malformed file, a malformed row, a repeated id, no questions.

    >>> nemo = Question(id="1", text="Who directed Alien?", answers=("Ridley Scott",))
    >>> load_questions([nemo])[0].answers
    ('Ridley Scott',)
    """
    if limit is not None and limit < 1:
        raise ConfigurationError(f"limit is {limit}; give at least 1, or None for all questions")
    parts = merged_parts(source) if isinstance(source, str) else ()
    found = _merged(parts, split) if len(parts) > 1 else _found(source, split)
    if isinstance(found, os.PathLike):
        questions: Iterable[Question] = read_questions(Path(found))
    else:
        questions = _checked(found)
    chosen = tuple(islice(_of_split(questions, split, _label(source)), limit))
    if not chosen:
        raise DataError(f"questions {_label(source)}: there are none; give at least one question")
    return chosen


def merged_parts(source: str) -> tuple[str, ...]:
    """The sets that a source joins by `+`; an existing file of that name is one set.

    >>> merged_parts("nq:path=/data/nq + hotpotqa")
    ('nq:path=/data/nq', 'hotpotqa')
    """
    if Path(source).expanduser().exists():
        return (source,)
    return tuple(part.strip() for part in source.split("+"))


def _merged(parts: Sequence[str], split: str | None) -> Iterator[Question]:
    for part in parts:
        name = part.partition(":")[0]
        if name not in DATASETS and is_path(part):
            name = Path(part).name.partition(".")[0]
        for question in load_questions(part, split=split):
            yield replace(question, id=f"{name}/{question.id}")


def _found(source: QuestionSource, split: str | None) -> Any:
    if not isinstance(source, str):
        return source
    options = {} if split is None else {"split": split}
    return resolve("questions", source, DATASETS, **options)


def _label(source: QuestionSource) -> str:
    return str(source) if isinstance(source, str | os.PathLike) else f"of {type(source).__name__}"


def _checked(questions: object) -> Iterator[Question]:
    if not isinstance(questions, Iterable):
        raise DataError(f"questions are {type(questions).__name__}; give a sequence of Question")
    seen: dict[str, int] = {}
    for index, question in enumerate(questions):
        if not isinstance(question, Question):
            raise DataError(
                f"questions[{index}] is {type(question).__name__}; needs igs_env.types.Question"
            )
        if not question.answers:
            raise DataError(f"questions[{index}] ({question.id!r}) has no answers; give one")
        if question.id in seen:
            raise DataError(
                f"questions[{index}] repeats id {question.id!r} of questions[{seen[question.id]}]"
                "; give every question an id of its own"
            )
        seen[question.id] = index
        yield question


def _of_split(questions: Iterable[Question], split: str | None, label: str) -> Iterator[Question]:
    others: set[str] = set()
    kept = False
    for question in questions:
        if split is None or question.split in ("", split):
            kept = True
            yield question
        else:
            others.add(question.split)
    if others and not kept:
        raise DataError(
            f"questions {label}: none is of split {split!r}; there are {', '.join(sorted(others))}"
        )


def read_questions(path: Path) -> Iterator[Question]:
    """Questions of a file, one after the other.

    Raises:
        DataError: names the file, the line, the field, what was got and what to do.
    """
    file = open_rows(path, "questions")
    seen: dict[str, int] = {}
    for number, row in file.rows():
        try:
            question = question_from_row(row)
        except ValueError as error:
            raise file.error(number, str(error)) from error
        if question.id in seen:
            raise file.error(
                number,
                f"repeats id {question.id!r} of {file.unit} {seen[question.id]}; "
                "give every question an id of its own",
            )
        seen[question.id] = number
        yield question
