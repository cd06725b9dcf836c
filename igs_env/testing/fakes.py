"""Scripted parts, for tests that need to know what happens."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from igs_env.contexts import ScoreRequest
from igs_env.errors import DataError, RetrievalError
from igs_env.information_gain import LogProbs
from igs_env.types import Document, Episode, Question


class ScriptedRetriever:
    """Finds what it was told to find.

    >>> film = Document(id="1", title="Alien", text="A film.")
    >>> ScriptedRetriever({"alien": [film]}).search(["alien", "other"], 3)[1]
    ()
    """

    def __init__(self, results: Mapping[str, Sequence[Document]]) -> None:
        """Query → documents; any other query finds nothing."""
        self._results = results

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """See `Retriever.search`."""
        return [tuple(self._results.get(query, ()))[:top_k] for query in queries]


class FailingRetriever:
    """Raises `RetrievalError`, always or for the first calls only."""

    def __init__(self, after: ScriptedRetriever | None = None, *, failures: int = 1) -> None:
        """Fail `failures` times and then search with `after`; without it, fail for ever."""
        self._after, self._left = after, failures

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """See `Retriever.search`."""
        if self._after is None or self._left > 0:
            self._left -= 1
            raise RetrievalError("this retriever fails on purpose")
        return self._after.search(queries, top_k)


class ConstantScorer:
    """The same log-probability for every word of every target."""

    name = "constant"

    def __init__(self, log_prob: float = -1.0) -> None:
        """`log_prob` in nats."""
        self._log_prob = log_prob

    def token_log_probs(self, requests: Sequence[ScoreRequest]) -> list[LogProbs]:
        """See `AnswerScorer`."""
        return [np.full(max(1, len(r.target.split())), self._log_prob) for r in requests]


class ScriptedSearcher:
    """Plays a question's gold queries and then answers: the best that a searcher can do.

    >>> asked = Question(id="q", text="Who?", answers=("me",), metadata={"queries": ["who"]})
    >>> ScriptedSearcher(asked)(())
    '<search> who </search>'
    """

    def __init__(self, question: Question, *, answer: str | None = None) -> None:
        """Answer with the first gold answer, or with `answer`."""
        if not question.metadata.get("queries"):
            raise DataError(f"question {question.id!r} has no metadata.queries to play")
        self._queries = list(question.metadata["queries"])
        self._answer = question.answers[0] if answer is None else answer

    def __call__(self, episode: Episode | Sequence[object]) -> str:
        """The next output, given the episode or its steps so far."""
        done = len(episode.steps if isinstance(episode, Episode) else episode)
        if done < len(self._queries):
            return f"<search> {self._queries[done]} </search>"
        return f"<answer> {self._answer} </answer>"
