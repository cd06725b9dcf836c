"""What the list of episodes shows, filters and sorts by: a few numbers and short texts each."""

from __future__ import annotations

from dataclasses import dataclass

from igs_agent.inspector.rows import EpisodeRow, StepRow, Texts

LONGEST = 400
"""Characters of a text that the list keeps; the episode itself is never cut."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """One episode in the list."""

    id: str
    group: str
    update: int
    question: str
    answers: Texts
    answer: str | None
    """Of the policy; None where it gave none."""
    queries: Texts
    documents: Texts
    """Ids of all documents that were found."""
    reward: float | None
    exact_match: float | None
    f1: float | None
    recall: float | None
    truncated: bool
    overflowed: bool
    retrieval_failed: bool
    searches: int
    """Carried out."""
    invalid: int
    """Steps without a usable action."""
    gain: float | None
    """Sum over the searches that have one, nats per answer token."""
    gain_unclear: bool
    """A search's gain is less than two standard errors from 0."""
    answer_in_counterfactual: bool
    """At some search; the gain is then biased downwards."""
    credit: float
    """Greatest absolute advantage of a token."""
    tokens: int


def summarise(row: EpisodeRow) -> Summary:
    """The list's entry of an episode."""
    gains = [step.gain for step in row.steps if step.gain is not None]
    given = [step.text for step in row.steps if step.action == "answer"]
    return Summary(
        id=row.id,
        group=row.group,
        update=row.update,
        question=_cut(row.question),
        answers=tuple(_cut(answer) for answer in row.answers[:8]),
        answer=_cut(given[-1]) if given else None,
        queries=tuple(_cut(step.text) for step in row.steps if step.action == "search"),
        documents=tuple(dict.fromkeys(id for step in row.steps for id in step.documents)),
        reward=row.reward,
        exact_match=row.exact_match,
        f1=row.f1,
        recall=row.recall,
        truncated=row.truncated,
        overflowed=row.overflowed,
        retrieval_failed=row.retrieval_failed,
        searches=sum(step.searched for step in row.steps),
        invalid=sum(step.action == "invalid" for step in row.steps),
        gain=sum(gains) if gains else None,
        gain_unclear=any(_unclear(step) for step in row.steps),
        answer_in_counterfactual=any(step.answer_in_counterfactual for step in row.steps),
        credit=max((_greatest_credit(step) for step in row.steps), default=0.0),
        tokens=len(row.tokens),
    )


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _unclear(step: StepRow) -> bool:
    known = step.gain is not None and step.gain_stderr is not None
    return known and abs(step.gain or 0.0) < 2 * (step.gain_stderr or 0.0)


def _greatest_credit(step: StepRow) -> float:
    return max(abs(step.credit), abs(step.credit + step.query_credit))
