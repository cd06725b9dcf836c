"""Searches that are recorded and replayed, with their failures, in the order they were asked."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path

import pytest
from retrieval_fixtures import small_corpus

from igs_env.errors import RecordingError, RetrievalError
from igs_env.retrievers import PartlyFailedError, make_retriever, search_each
from igs_env.retrievers.contract import all_found
from igs_env.retrievers.recorded import RecordedRetriever, ReplayedRetriever
from igs_env.retrievers.recording import open_recording, read_recording
from igs_env.types import Document


class Drifting:
    """Other documents every time, and every third query fails."""

    def __init__(self) -> None:
        self.asked = 0

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        found: list[tuple[Document, ...] | RetrievalError] = []
        for query in queries:
            self.asked += 1
            document = Document(id=f"{self.asked}", title="Ö\u2028", text=query, score=1.5)
            found.append(RetrievalError(f"{query}: {self.asked}") if self.asked % 3 == 0 else ())
            if self.asked % 3 == 1:
                found[-1] = (document,)
        return all_found(self, found)


ASKED = [["a", "b", "c", "a"], ["c"], ["a"], [], ["b", "a"], ["c", "d"]]


def outcomes(retriever: object) -> list[list[object]]:
    """What became of `ASKED`, failures as text."""
    return [
        [
            str(each) if isinstance(each, RetrievalError) else each
            for each in search_each(retriever, queries, 2)  # type: ignore[arg-type]
        ]
        for queries in ASKED
    ]


def test_a_replay_gives_what_was_found_and_what_failed_in_the_order_asked(tmp_path: Path) -> None:
    path = tmp_path / "searches.jsonl"
    live = outcomes(RecordedRetriever(Drifting(), open_recording(path)))
    assert any(isinstance(each, str) for call in live for each in call)
    assert live[0][0] != live[2][0]
    assert outcomes(ReplayedRetriever(read_recording(path))) == live


def test_a_recording_goes_on_where_it_was_cut_and_where_a_run_resumes(tmp_path: Path) -> None:
    path = tmp_path / "searches.jsonl"
    recording = open_recording(path)
    retriever = RecordedRetriever(make_retriever("bm25", small_corpus()), recording)
    retriever.search(["Alien", "Peru"], 1)
    size = recording.synced()
    retriever.search(["Alien", "Lima"], 1)
    assert open_recording(path, size=size).times() == {("Alien", 1): 1, ("Peru", 1): 1}
    assert path.stat().st_size == size


def test_what_is_found_again_is_not_written_again(tmp_path: Path) -> None:
    recording = open_recording(tmp_path / "searches.jsonl")
    retriever = RecordedRetriever(make_retriever("bm25", small_corpus()), recording)
    first = retriever.search(["Alien"], 1)
    size = recording.size
    assert retriever.search(["Alien"], 1) == first
    assert recording.size - size == len(
        json.dumps({"query": "Alien", "top_k": 1, "again": True}) + "\n"
    )
    replay = make_retriever("replayed", None, path=recording.path)
    # Whoever asks more often than was recorded gets what came last.
    assert [replay.search(["Alien"], 1) for _ in range(3)] == [first] * 3


@pytest.mark.parametrize(
    ("query", "top_k", "reason"),
    [("Alien", 2, "only for top_k=1"), ("Mozart", 1, "2 other queries were")],
)
def test_a_query_that_was_not_recorded_is_an_error_and_no_failed_search(
    query: str, top_k: int, reason: str, tmp_path: Path
) -> None:
    path = tmp_path / "searches.jsonl"
    live = make_retriever("recorded", small_corpus(), path=path)
    live.search(["Alien", "Peru"], 1)
    replay = make_retriever("replayed", None, path=path)
    with pytest.raises(RecordingError, match=f"{query}.*is not in the recording.*{reason}") as info:
        replay.search([query], top_k)
    assert not isinstance(info.value, RetrievalError)


def test_a_last_line_that_a_crash_cut_off_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "searches.jsonl"
    make_retriever("recorded", small_corpus(), path=path).search(["Alien", "Peru"], 1)
    whole = path.read_bytes()
    path.write_bytes(whole[:-5])
    with caplog.at_level(logging.WARNING):
        assert open_recording(path).times() == {("Alien", 1): 1}
    assert "line 2, the last, is not whole" in caplog.text
    assert path.read_bytes() == whole[: whole.index(b"\n") + 1]


LINES: dict[str, bytes] = {
    "no JSON": b"nonsense",
    "a list": b"[]",
    "no query": b'{"top_k": 1, "documents": []}',
    "no answer": b'{"query": "a", "top_k": 1}',
    "half a document": b'{"query": "a", "top_k": 1, "documents": [{"id": "1"}]}',
    "again what never was": b'{"query": "a", "top_k": 1, "again": true}',
}


@pytest.mark.parametrize("what", LINES)
def test_damage_before_the_last_line_is_named(what: str, tmp_path: Path) -> None:
    path = tmp_path / "searches.jsonl"
    path.write_bytes(LINES[what] + b'\n{"query": "b", "top_k": 1, "documents": []}\n')
    with pytest.raises(RecordingError, match="line 1 is no line of a recording"):
        read_recording(path)


def test_a_file_that_is_not_there_says_where_recordings_come_from(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match=r"cannot be read: No such file.*retrieval.record"):
        make_retriever("replayed", None, path=tmp_path)


def test_an_error_of_one_retriever_is_not_taken_for_another_s_answers() -> None:
    inner = Drifting()

    class Renaming:
        def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
            return inner.search([f"other {query}" for query in queries], top_k)

    with pytest.raises(PartlyFailedError):
        Renaming().search(["a", "b", "c"], 1)
    inner.asked = 0
    assert all(isinstance(each, RetrievalError) for each in search_each(Renaming(), "abc", 1))
