"""Documents cut to what was looked for: reading is learned on short texts before long ones."""

from __future__ import annotations

import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from igs_env.answers import normalise_answer
from igs_env.retrievers import Retriever
from igs_env.types import Document, Question


class ExcerptRetriever:
    """What another retriever finds, each document cut to the sentences that hold what was wanted.

    Of the other sentences a share is kept. Where none holds it, the first one stays.
    """

    def __init__(
        self, inner: Retriever, wanted: Mapping[str, str], keep: float = 0.0, seed: int = 0
    ) -> None:
        """Cut what `inner` finds.

        Args:
            inner: searches.
            wanted: query → the text that a reader of its documents is after.
            keep: share of the other sentences that stays, from 0 to 1.
            seed: of the draws; a query always gets the same excerpts.
        """
        self._inner, self._wanted, self._keep, self._seed = inner, wanted, keep, seed

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """See `Retriever.search`."""
        found = self._inner.search(queries, top_k)
        return [
            tuple(self._excerpt(document, query) for document in documents)
            for query, documents in zip(queries, found, strict=True)
        ]

    def _excerpt(self, document: Document, query: str) -> Document:
        sentences = re.split(r"(?<=[.!?]) (?=[A-Z])", document.text)
        key = normalise_answer(self._wanted.get(query, ""))
        held = [bool(key) and key in normalise_answer(sentence) for sentence in sentences]
        held[0] = held[0] or not any(held)
        draws = zlib.crc32(f"{self._seed}/{query}/{document.id}".encode())
        kept = np.random.default_rng(draws).random(len(sentences)) < self._keep
        text = " ".join(
            s for s, own, more in zip(sentences, held, kept, strict=True) if own or more
        )
        return replace(document, text=text)


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
