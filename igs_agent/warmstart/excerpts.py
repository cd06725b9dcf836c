"""Documents cut to the sentence that was looked for: reading is learned on short episodes first."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from igs_env.answers import normalise_answer
from igs_env.retrievers import Retriever
from igs_env.types import Document, Question


class ExcerptRetriever:
    """What another retriever finds, each document cut to the sentences that hold what was wanted.

    Where none does, the first sentence stays.
    """

    def __init__(self, inner: Retriever, wanted: Mapping[str, str]) -> None:
        """Cut by `wanted`, query → the text that a reader of its documents is after."""
        self._inner, self._wanted = inner, wanted

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """See `Retriever.search`."""
        found = self._inner.search(queries, top_k)
        return [
            tuple(_excerpt(document, self._wanted.get(query, "")) for document in documents)
            for query, documents in zip(queries, found, strict=True)
        ]


def wanted_texts(questions: Sequence[Question]) -> dict[str, str]:
    """Gold query of every hop → the entity that the next hop asks about, or the answer.

    Questions need `metadata["queries"]` and `metadata["entities"]`, one of each per hop.

    >>> metadata = {"queries": ["director of Jaws", "birthday of Ann"], "entities": ["Jaws", "Ann"]}
    >>> wanted_texts([Question(id="1", text="?", answers=("1 May",), metadata=metadata)])
    {'director of Jaws': 'Ann', 'birthday of Ann': '1 May'}
    """
    return {
        query: target
        for question in questions
        for query, target in zip(
            question.metadata["queries"],
            [*question.metadata["entities"][1:], question.answers[0]],
            strict=False,
        )
    }


def _excerpt(document: Document, wanted: str) -> Document:
    sentences = re.split(r"(?<=[.!?]) (?=[A-Z])", document.text)
    key = normalise_answer(wanted)
    kept = [sentence for sentence in sentences if key and key in normalise_answer(sentence)]
    return replace(document, text=" ".join(kept or sentences[:1]))
