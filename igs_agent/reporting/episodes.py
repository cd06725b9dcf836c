"""What a report reads of `episodes.jsonl`: searches with a gain, and how episodes ended."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from igs_agent.reporting.lines import (
    Row,
    UnusableRowError,
    finite,
    items,
    read_rows,
    text,
    update_of,
)
from igs_agent.reporting.outcome import outcome

Brought = Literal["last", "earlier", "none", "unknown"]
"""Which gold document a search brought: the last that the dataset names, an earlier one, none; or
the dataset names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredSearch:
    """A search whose gain was measured."""

    update: int
    question_id: str
    position: int
    """Among the episode's searches, from 1."""
    real: float
    """Log-probability of the gold answer given what was found, nats per answer token."""
    counterfactual: float
    """The same given other documents, mean over the draws."""
    gain: float
    brought: Brought


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One episode, as an example of how it ended."""

    update: int
    id: str
    question: str
    answers: tuple[str, ...]
    answer: str | None
    """None where none was given."""
    searches: tuple[tuple[str, tuple[str, ...], float | None], ...]
    """Per search its query, the ids of what it found, and its gain where there is one."""
    gold: tuple[str, ...]
    """Ids of the documents that the dataset calls needed."""
    outcome: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeRecord:
    """What is kept of a run's episodes."""

    count: int
    searches: tuple[MeasuredSearch, ...]
    newest: dict[str, Attempt]
    """Outcome → the newest episode that ended so."""


def read_episodes(path: Path) -> tuple[EpisodeRecord, list[str]]:
    """(the record of a file of episodes, what is missing, as sentences)."""
    searches: list[MeasuredSearch] = []
    newest: dict[str, Row] = {}

    def take(row: Row) -> None:
        steps, gold = items(row, "steps", dict), _gold(row)
        ended = _outcome(row, steps)
        searches.extend(_measured(row, update_of(row), steps, gold))
        newest[ended] = row

    rows, problems = read_rows(path, take)
    examples = {}
    for ended, row in newest.items():
        try:
            examples[ended] = _attempt(row, ended)
        except UnusableRowError as error:
            problems.append(f"the newest episode of {path.name} that is {ended!r}: {error}")
    return EpisodeRecord(count=len(rows), searches=tuple(searches), newest=examples), problems


def _gold(row: Row) -> list[frozenset[str]]:
    hops = items(row, "gold_documents", list)
    return [frozenset(items({"a hop": hop}, "a hop", str)) for hop in hops]


def _outcome(row: Row, steps: Sequence[Row]) -> str:
    if "question" not in row:
        raise UnusableRowError("it has no question")
    return outcome(
        right=finite(row, "exact_match") == 1.0,
        answered=any(step.get("action") == "answer" for step in steps),
        retrieval_failed=bool(row.get("retrieval_failed")),
        searches=sum(bool(step.get("searched")) for step in steps),
        recall=finite(row, "recall"),
    )


def _measured(
    row: Row, update: int, steps: Sequence[Row], gold: list[frozenset[str]]
) -> Iterator[MeasuredSearch]:
    position = 0
    for step in steps:
        position += bool(step.get("searched"))
        gain, real = finite(step, "gain"), finite(step, "log_prob_real")
        if gain is None or real is None:
            continue
        yield MeasuredSearch(
            update=update,
            question_id=text(row, "question_id"),
            position=position,
            real=real,
            counterfactual=real - gain,
            gain=gain,
            brought=_brought(set(items(step, "documents", str)), gold),
        )


def _brought(documents: set[str], gold: list[frozenset[str]]) -> Brought:
    if not gold:
        return "unknown"
    if documents & gold[-1]:
        return "last"
    return "earlier" if any(documents & hop for hop in gold) else "none"


def _attempt(row: Row, ended: str) -> Attempt:
    steps = items(row, "steps", dict)
    given = [text(step, "text") for step in steps if step.get("action") == "answer"]
    return Attempt(
        update=update_of(row),
        id=text(row, "id"),
        question=text(row, "question"),
        answers=tuple(items(row, "answers", str)),
        answer=given[-1] if given else None,
        searches=tuple(
            (text(step, "text"), tuple(items(step, "documents", str)), finite(step, "gain"))
            for step in steps
            if step.get("searched")
        ),
        gold=tuple(dict.fromkeys(id for hop in _gold(row) for id in sorted(hop))),
        outcome=ended,
    )
