"""A small world and scripted parts for tests of the environment.

Everything is reachable by name (`scripted:QUESTIONS`), so that specs which hold it serialise.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from igs_env.contexts import ScoreRequest, shown_fragments
from igs_env.errors import RetrievalError
from igs_env.protocols import PROTOCOLS
from igs_env.task import Task, make_task
from igs_env.transition import begin
from igs_env.types import Document, Episode, Fragment, Question, Search, Step

# fmt: off
NAMES = (
    "Alpha", "Bravo", "Charlie", "Delta", "Echo", "Foxtrot", "Golf", "Hotel", "India", "Juliett",
    "Kilo", "Lima", "Mike", "November", "Oscar", "Papa", "Quebec", "Romeo", "Sierra", "Tango",
    "Uniform", "Victor", "Whiskey", "Yankee",
)
# fmt: on


def director(index: int) -> str:
    return f"{NAMES[(index * 7 + 3) % len(NAMES)]} Reyes"


CORPUS = [
    Document(
        id=f"d{index:02d}",
        title=name,
        text=f"{name} is a film of {1950 + index} directed by {director(index)} in Peru.",
    )
    for index, name in enumerate(NAMES)
]

QUESTIONS = [
    Question(
        id=f"q{index:02d}",
        text=f"Who directed {name}?",
        answers=(director(index), director(index).split()[0]),
        gold_documents=((f"d{index:02d}",),),
        hops=1 + index % 2,
        split="train" if index < 20 else "dev",
    )
    for index, name in enumerate(NAMES)
]


class OverlapRetriever:
    """Ranks by the number of shared words; fails on a query that holds `unreachable`."""

    def __init__(self, corpus: Sequence[Document] = CORPUS) -> None:
        self.corpus = corpus
        self.calls: list[tuple[str, ...]] = []

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        self.calls.append(tuple(queries))
        for query in queries:
            if "unreachable" in query:
                raise RetrievalError("connection refused by 10.0.0.1: SECRET-FAILURE-TEXT")
        return [self._rank(query)[:top_k] for query in queries]

    def _rank(self, query: str) -> tuple[Document, ...]:
        wanted = set(query.lower().split())
        scored = []
        for document in self.corpus:
            held = f"{document.title} {document.text}".lower().replace(".", "").split()
            score = len(wanted & set(held))
            if score:
                scored.append((-score, document.id, document))
        return tuple(
            Document(id=d.id, title=d.title, text=d.text, score=float(-s))
            for s, _, d in sorted(scored, key=lambda row: row[:2])
        )


class FixedRetriever:
    """The same documents for every query."""

    def __init__(self, documents: Sequence[Document]) -> None:
        self.documents = tuple(documents)

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        return [self.documents[:top_k] for _ in queries]


def made_of(corpus: Sequence[Document], documents: Sequence[Document]) -> FixedRetriever:
    """A factory with an argument of its own."""
    return FixedRetriever(documents)


class FunctionScorer:
    """Token log-probabilities from a function of the request; remembers its calls."""

    name = "function"

    def __init__(self, function: Callable[[ScoreRequest], Sequence[float]]) -> None:
        self.function = function
        self.calls: list[list[ScoreRequest]] = []

    def token_log_probs(self, requests: Sequence[ScoreRequest]) -> list[Any]:
        self.calls.append(list(requests))
        return [np.array(self.function(request), dtype=np.float64) for request in requests]


def by_last_document(table: dict[str, Sequence[float]]) -> FunctionScorer:
    """Looks a request's log-probabilities up by the first document of its last fragment."""
    return FunctionScorer(lambda request: table[shown_fragments(request)[-1].documents[0].id])


class ListSampler:
    """The given fragments, first come first drawn."""

    name = "list"

    def __init__(self, *fragments: Fragment) -> None:
        self.fragments = fragments

    def sample(
        self,
        episode: Episode,
        step: int,
        *,
        draws: int,
        batch: Sequence[Episode] = (),
        with_refine: bool = False,
    ) -> tuple[Fragment, ...]:
        return self.fragments[:draws]


TERSE = replace(PROTOCOLS["plain"], name="terse", instruction="{question}\n")

LIVE: dict[str, Any] = {
    "questions": "scripted:QUESTIONS",
    "corpus": "scripted:CORPUS",
    "retriever": "scripted:OverlapRetriever",
}
"""Environment arguments that need no data set and serialise."""


def live_task(**options: Any) -> Task:
    """A task over the small world."""
    return make_task(
        **{"questions": QUESTIONS, "corpus": CORPUS, "retriever": OverlapRetriever(), **options}
    )


def document(id: str, text: str = "text", title: str = "title") -> Document:
    return Document(id=id, title=title, text=text)


def searched_episode(
    *blocks: Sequence[Document],
    question: Question = QUESTIONS[0],
    protocol: str = "search-r1",
    seed: int = 0,
    id: str = "episode",
    refines: Sequence[str] = (),
) -> Episode:
    """An episode with one finished search per block of documents."""
    from igs_env.prompt import render_documents, render_prompt

    named = PROTOCOLS[protocol]
    steps = []
    for index, documents in enumerate(blocks):
        before = refines[index - 1] if 0 < index <= len(refines) else ""
        opening = f"{before}<search>"
        query = f"query {index}"
        end = len(opening) + len(query)
        steps.append(
            Step(
                output=f"{opening}{query}</search>",
                action=Search(query=query, span=(len(opening), end), end=end + len("</search>")),
                observation=render_documents(named, documents),
                documents=tuple(documents),
                searched=True,
            )
        )
    return Episode(
        id=id,
        question=question,
        protocol=named,
        group_id=question.id,
        seed=seed,
        prompt=render_prompt(named, question),
        steps=tuple(steps),
    )


def begun(task: Task, *, question: Question = QUESTIONS[0], member: int = 0) -> Episode:
    """A fresh episode of a task."""
    return begin(task.rules, question, group_id=question.id, seed=0, member=member)
