"""`recorded` and `replayed`: searches that are kept, and repeated without a retriever."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from threading import Lock
from typing import Any

from igs_env.datasets.corpus import Corpus
from igs_env.errors import RecordingError
from igs_env.retrievers.contract import Found, Retriever, all_found, search_each
from igs_env.retrievers.recording import Asked, Recording, open_recording, read_recording
from igs_env.retrievers.registry import make_retriever
from igs_env.types import Document


class RecordedRetriever:
    """Asks `retriever` and keeps what became of every query, failures as failures."""

    def __init__(self, retriever: Retriever, recording: Recording) -> None:
        """Add to `recording`."""
        self.recording = recording
        self._retriever = retriever
        self._one_at_a_time = Lock()

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """What the retriever finds; raises what it raises, and `RecordingError`."""
        with self._one_at_a_time:
            found = search_each(self._retriever, queries, top_k)
            self.recording.add(
                {(query, top_k): each for query, each in zip(queries, found, strict=True)}
            )
        return all_found(self, found)


class ReplayedRetriever:
    """Answers each query as a recording has it: the n-th time it is asked, with its n-th answer.

    Searches that failed fail again. Whoever asks the same things in the same order gets the same
    answers, also from a retriever whose answers changed while it was recorded.
    """

    def __init__(self, recording: Recording, times: Mapping[Asked, int] | None = None) -> None:
        """`times`: how often each query was asked already, by a run that is resumed."""
        self._recording = recording
        self._times = dict(times or {})
        self._one_at_a_time = Lock()

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """The recorded documents, or the recorded failure.

        Raises `RecordingError` for a query that was not recorded, or not for so many documents.
        """
        with self._one_at_a_time:
            found = {query: self._next((query, top_k)) for query in dict.fromkeys(queries)}
        return all_found(self, [found[query] for query in queries])

    def _next(self, asked: Asked) -> Found:
        number = self._times.get(asked, 0)
        answer = self._recording.answer(asked, number)
        if answer is None:
            raise RecordingError(self._unrecorded(asked))
        self._times[asked] = number + 1
        return answer

    def _unrecorded(self, asked: Asked) -> str:
        query, top_k = asked
        known = self._recording.times()
        others = sorted(k for text, k in known if text == query)
        reason = (
            f"only for top_k={', '.join(map(str, others))}"
            if others
            else f"{len({text for text, _ in known})} other queries were"
        )
        return (
            f"the query {query!r} (top_k={top_k}) is not in the recording {self._recording.path}: "
            f"{reason}; replay with the settings, policy and seed that it was recorded with, or "
            "ask a live retriever"
        )


def recorded(
    corpus: Corpus | None = None,
    *,
    path: str | os.PathLike[str],
    retriever: str | Retriever = "bm25",
    retriever_kwargs: Mapping[str, Any] | None = None,
) -> RecordedRetriever:
    """A retriever whose searches are added to the file `path`.

    Args:
        corpus: what `retriever` searches.
        path: a JSONL file, see `Recording`; one process at a time writes it.
        retriever: see `make_retriever`.
        retriever_kwargs: its arguments.

    Raises `RecordingError` for a file that is no recording or cannot be written.
    """
    made = make_retriever(retriever, corpus, **(retriever_kwargs or {}))
    return RecordedRetriever(made, open_recording(path))


def replayed(corpus: Corpus | None = None, *, path: str | os.PathLike[str]) -> ReplayedRetriever:
    """The searches of a recording, or of the run folder `path`, again. No corpus is searched.

    Raises `RecordingError` for a file that cannot be read or is no recording.
    """
    del corpus
    return ReplayedRetriever(read_recording(path))
