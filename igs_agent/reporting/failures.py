"""The page's part about questions that went wrong, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from urllib.parse import quote

from igs_agent.reporting.answers import AnswerRow
from igs_agent.reporting.groups import Group
from igs_agent.reporting.load import Run
from igs_agent.reporting.outcome import OUTCOMES
from igs_agent.reporting.plots import parts_panel
from igs_agent.reporting.section import Example, Section
from igs_agent.reporting.shown import shown
from igs_agent.reporting.table import Table

_QUESTIONS = 12
"""Evaluation questions that are listed."""


def failures(groups: Sequence[Group]) -> Section:
    """How evaluation questions ended at first and at last, and examples of each way."""
    known = _right_answers(groups)
    bars = {label: shares for group in groups for label, shares in _bars(group)}
    panels = (
        [
            parts_panel(
                "outcomes",
                "How evaluation questions ended",
                "Share of the questions, before training and at the last evaluation.",
                bars,
                unit="share of questions",
                order=list(OUTCOMES),
            )
        ]
        if bars
        else []
    )
    return Section(
        id="failures",
        title="Which questions went wrong, and why?",
        lead="Each question is counted under the first thing that was missing. Below are the "
        "newest training episode of each kind, and evaluation questions that were wrong after "
        "training: those that most seeds get wrong, and among them first those that were right "
        "before.",
        panels=tuple(panels),
        tables=tuple(
            (f"{g.label}: evaluation questions that went wrong", table)
            for g in groups
            if (table := _wrong(g, known)) is not None
        ),
        folded=(("What the kinds mean", _meanings()),),
        examples=tuple(each for group in groups for each in _examples(group)),
        absent=() if bars else ("No evaluation is on record question by question.",),
    )


def _bars(group: Group) -> Iterator[tuple[str, dict[str, float]]]:
    for when, pick in (("before", min), ("after", max)):
        rows = [row for run in group.runs if run.answers for row in run.answers[pick(run.answers)]]
        updates = [pick(run.answers) for run in group.runs if run.answers]
        if not rows or (when == "after" and not max(updates)):
            continue
        counts = Counter(row.outcome for row in rows)
        told = (
            f"{group.label}, after {max(updates)} updates"
            if max(updates)
            else f"{group.label}, before"
        )
        yield told, {kind: counts[kind] / len(rows) for kind in OUTCOMES if counts[kind]}


def _meanings() -> Table:
    return Table(head=("kind", "meaning"), rows=tuple(OUTCOMES.items()))


def _wrong(group: Group, known: Mapping[str, str]) -> Table | None:
    """Questions that most seeds answered wrongly last, those that were right before first."""
    lasts = [run.answers[max(run.answers)] for run in group.runs if run.answers]
    firsts = [run.answers[min(run.answers)] for run in group.runs if run.answers]
    if not lasts:
        return None
    wrong = _by_question(lasts, right=False)
    before = _by_question(firsts, right=True)
    order = sorted(wrong, key=lambda id: (-len(wrong[id]), -len(before.get(id, ())), id))
    rows = tuple(
        (
            shown(rows[0].question, 160),
            f"{len(rows)} of {len(lasts)}",
            f"{len(before.get(id, ()))} of {len(firsts)}",
            "; ".join(dict.fromkeys(shown(row.answer, 60) or "no answer" for row in rows[:3])),
            known.get(id, "no run knew it"),
            "; ".join(
                f"{kind} × {n}" for kind, n in Counter(r.outcome for r in rows).most_common()
            ),
        )
        for id, rows in ((id, wrong[id]) for id in order[:_QUESTIONS])
    )
    head = (
        "question",
        "wrong last, seeds",
        "right at first, seeds",
        "answered",
        "right answer",
        "what was missing",
    )
    return Table(head=head, rows=rows) if rows else None


def _right_answers(groups: Sequence[Group]) -> dict[str, str]:
    """Question id → an answer that counted as right; evaluations do not record the gold ones."""
    return {
        row.question_id: shown(row.answer, 60)
        for group in groups
        for run in group.runs
        for rows in run.answers.values()
        for row in rows
        if row.outcome == "right"
    }


def _by_question(
    several: Sequence[Sequence[AnswerRow]], *, right: bool
) -> dict[str, list[AnswerRow]]:
    found: dict[str, list[AnswerRow]] = {}
    for rows in several:
        for row in rows:
            if (row.outcome == "right") == right:
                found.setdefault(row.question_id, []).append(row)
    return found


def _examples(group: Group) -> Iterator[Example]:
    """Of each kind the newest of all seeds, right answers last."""
    for kind, meaning in sorted(OUTCOMES.items(), key=lambda each: each[0] == "right"):
        candidates = [
            (run.episodes.newest[kind], run) for run in group.runs if kind in run.episodes.newest
        ]
        if candidates:
            attempt, run = max(candidates, key=lambda each: each[0].update)
            yield Example(
                group=group.label,
                run=_path(run),
                link=f"#e={quote(attempt.id, safe='', errors='replace')}",
                attempt=attempt,
                meaning=meaning,
            )


def _path(run: Run) -> str:
    return shown(str(run.path))
