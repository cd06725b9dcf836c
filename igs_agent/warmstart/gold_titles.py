"""Queries for questions of which only the gold documents are known: their titles.

Real question sets say which documents support an answer, and nobody's queries. Who knows the
documents would search for their titles, and that is what a demonstration then does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from igs_env.answers import normalise_answer
from igs_env.errors import DataError
from igs_env.types import Document, Documents, Question


def with_title_queries(questions: Sequence[Question], corpus: Documents) -> Sequence[Question]:
    """The questions, with `metadata["queries"]` and `["entities"]` where they had none.

    Both are the title of each hop's first gold document that the corpus has. Questions that name
    no gold documents, or name some that are missing, are left out.

    Args:
        questions: `HotpotQA`-like, or with queries of their own, which stay.
        corpus: is read through once, for the titles.

    Raises:
        DataError: none is left.
    """
    if all(question.metadata.get("queries") for question in questions):
        return questions
    wanted = {id for question in questions for hop in question.gold_documents for id in hop}
    found = {d.id: d for d in (corpus[i] for i in range(len(corpus))) if d.id in wanted}
    made = [
        question if question.metadata.get("queries") else _titled(question, found)
        for question in questions
    ]
    kept = [question for question in made if question is not None]
    if not kept:
        raise DataError(
            "no question has metadata.queries, or gold documents that the corpus has; "
            "demonstrations need to know what to search for: give questions with "
            "metadata.supporting_documents and the corpus that these are of"
        )
    return kept


def _titled(question: Question, found: dict[str, Document]) -> Question | None:
    hops = [[found[id] for id in hop if id in found] for hop in question.gold_documents]
    if not hops or not all(hops):
        return None
    titles = [document.title for document in _answer_last(question, [hop[0] for hop in hops])]
    return replace(
        question, metadata={**question.metadata, "queries": titles, "entities": list(titles)}
    )


def _answer_last(question: Question, documents: Sequence[Document]) -> list[Document]:
    """In a searcher's order: sets list supporting documents in none, and the answer comes last."""
    answer = f" {normalise_answer(question.answers[0])} "
    holding = [d for d in documents if answer in f" {normalise_answer(f'{d.title} {d.text}')} "]
    if len(holding) != 1:
        return list(documents)
    return [document for document in documents if document is not holding[0]] + holding
