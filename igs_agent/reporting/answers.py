"""Rows of a run's evaluations, question by question: `dev/update-000025.jsonl` and so on."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from igs_agent.reporting.lines import Row, finite, read_rows, text
from igs_agent.reporting.outcome import outcome

_NAME = re.compile(r"update-(\d+)\.jsonl")

SCORES = ("exact_match", "f1", "recall", "searches", "policy_tokens")
"""What is compared question by question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerRow:
    """One evaluation question, as it was answered."""

    question_id: str
    question: str
    kind: str
    answer: str
    outcome: str
    scores: Mapping[str, float | None]
    """Of `SCORES`."""


def read_answers(folder: Path) -> tuple[dict[int, tuple[AnswerRow, ...]], list[str]]:
    """(updates done → rows of the evaluation then, what is missing, as sentences)."""
    found: dict[int, tuple[AnswerRow, ...]] = {}
    problems: list[str] = []
    for path in sorted(folder.glob("update-*.jsonl")) if folder.is_dir() else ():
        name = _NAME.fullmatch(path.name)
        if name is None:
            continue
        rows, about = read_rows(path, _row)
        problems += about
        if about:
            problems.append(f"{path.name} is not whole: it counts in no paired comparison")
        elif rows:
            found[int(name[1])] = tuple(rows)
    if not found:
        problems.append("dev/ holds no evaluation: no score is known question by question")
    return found, problems


def _row(row: Row) -> AnswerRow:
    scores = {name: finite(row, name) for name in SCORES}
    return AnswerRow(
        question_id=text(row, "question_id"),
        question=text(row, "question"),
        kind=text(row, "kind"),
        answer=text(row, "answer"),
        outcome=outcome(
            right=scores["exact_match"] == 1.0,
            answered=not row.get("truncated"),
            retrieval_failed=bool(row.get("retrieval_failed")),
            searches=scores["searches"],
            recall=scores["recall"],
        ),
        scores=scores,
    )
