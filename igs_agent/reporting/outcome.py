"""How an episode ended, and if not well, what was missing first."""

from __future__ import annotations

OUTCOMES: dict[str, str] = {
    "right": "the answer is a gold one",
    "not answered": "it ended without an answer",
    "retrieval failed": "a search could not be carried out; says nothing about the policy",
    "nothing searched": "answered without a search, and wrongly",
    "no gold document": "searched, found none of the documents that the answer needs",
    "part of the gold": "found some of the documents that the answer needs, not all",
    "gold, but wrong": "found every document that the answer needs, and answered wrongly",
    "wrong": "answered wrongly; the dataset does not say which documents are needed",
}
"""Outcome → what it means, the first that holds of an episode that is not right."""


def outcome(
    *,
    right: bool,
    answered: bool,
    retrieval_failed: bool,
    searches: float | None,
    recall: float | None,
) -> str:
    """A key of `OUTCOMES`.

    >>> outcome(right=False, answered=True, retrieval_failed=False, searches=2, recall=0.5)
    'part of the gold'
    """
    if right:
        return "right"
    if retrieval_failed:
        return "retrieval failed"
    if not answered:
        return "not answered"
    if not searches:
        return "nothing searched"
    if recall is None:
        return "wrong"
    if recall == 0:
        return "no gold document"
    return "part of the gold" if recall < 1 else "gold, but wrong"
