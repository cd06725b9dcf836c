"""A retriever that remembers: what it asks for, what it shares, what it forgets."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from retrieval_fixtures import sends, server, small_corpus

from igs_env.errors import ConfigurationError, RetrievalError
from igs_env.retrievers import make_retriever
from igs_env.retrievers.cached import cached
from igs_env.retrievers.result_store import ResultStore
from igs_env.types import Document


class Counting:
    fingerprint = "counting"

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        self.asked += [(query, top_k) for query in queries]
        found = Document(id="1", title='Tïtle "x"', text="line\nline\x00", score=1 / 3)
        return [(found,) if query else () for query in queries]


def test_a_query_is_asked_for_once_and_found_the_same(tmp_path: Path) -> None:
    inner = Counting()
    retriever = cached(retriever=inner, path=tmp_path / "results.sqlite")
    first = retriever.search(["a", "", "a"], 3)
    assert retriever.search(["", "b", "a"], 3) == [first[1], first[0], first[0]]
    assert inner.asked == [("a", 3), ("", 3), ("b", 3)]
    assert (retriever.hits, retriever.misses) == (2, 3)


def test_another_number_of_documents_is_another_question(tmp_path: Path) -> None:
    inner = Counting()
    retriever = cached(retriever=inner, path=tmp_path / "results.sqlite")
    retriever.search(["a"], 3)
    retriever.search(["a"], 5)
    assert inner.asked == [("a", 3), ("a", 5)]


def test_the_next_process_finds_it_on_disk_to_the_last_bit(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    first = cached(retriever=Counting(), path=path).search(["a", ""], 3)
    later = Counting()
    assert cached(retriever=later, path=path).search(["a", ""], 3) == first
    assert later.asked == []


def test_retrievers_do_not_see_each_others_results(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    cached(retriever=Counting(), path=path).search(["Alien"], 1)
    bm25 = cached(small_corpus(), retriever="bm25", path=path)
    assert bm25.search(["Alien"], 1)[0][0].title == "Alien"
    other = {"k1": 0.9}
    again = cached(small_corpus(), retriever="bm25", retriever_kwargs=other, path=path)
    again.search(["Alien"], 1)
    assert (again.hits, again.misses) == (0, 1)


def test_a_failed_search_is_not_remembered(tmp_path: Path) -> None:
    with server(sends(b"", 500)) as (url, _):
        retriever = cached(
            retriever=url, retriever_kwargs={"attempts": 1}, path=tmp_path / "results.sqlite"
        )
        for _ in range(2):
            with pytest.raises(RetrievalError):
                retriever.search(["a"], 3)
        assert (retriever.hits, retriever.misses) == (0, 0)


def test_memory_keeps_what_was_used_last() -> None:
    inner = Counting()
    retriever = cached(retriever=inner, path=":memory:", capacity=2)
    for query in ("a", "b", "a", "c", "a", "b"):
        retriever.search([query], 1)
    assert [query for query, _ in inner.asked] == ["a", "b", "c", "b"]


def test_a_retriever_without_a_name_for_its_results_is_refused() -> None:
    class Nameless:
        def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
            return [() for _ in queries]

    with pytest.raises(ConfigurationError, match="Nameless has no fingerprint"):
        cached(retriever=Nameless())
    assert cached(retriever=Nameless(), fingerprint="mine", path=":memory:").search(["a"], 1) == [
        ()
    ]


def test_a_damaged_file_is_an_error_that_names_it(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    path.write_bytes(b"no database" * 100)
    with pytest.raises(ConfigurationError, match=r"results.sqlite cannot be used .*delete it"):
        cached(retriever=Counting(), path=path)


def test_a_store_goes_into_another_process_by_its_path(tmp_path: Path) -> None:
    store = ResultStore(tmp_path / "results.sqlite")
    store.put({"key": (Document(id="1", title="", text=""),)})
    assert pickle.loads(pickle.dumps(store)).get(["key", "other"]) == store.get(["key"])


WRITER = """
import sys
from pathlib import Path
from igs_env.retrievers.result_store import ResultStore
from igs_env.types import Document
store = ResultStore(Path(sys.argv[1]))
for n in range(200):
    store.put({f"{n}": (Document(id=str(n), title="", text="x" * 1000),)})
    store.get([str(n)])
"""


def test_four_processes_write_the_same_file_at_once(tmp_path: Path) -> None:
    path = tmp_path / "results.sqlite"
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stderr=subprocess.PIPE)
        for _ in range(4)
    ]
    assert [(writer.communicate()[1], writer.returncode) for writer in writers] == [(b"", 0)] * 4
    kept = ResultStore(path).get(str(n) for n in range(200))
    assert {key: documents[0].id for key, documents in kept.items()} == {
        str(n): str(n) for n in range(200)
    }


def test_the_registry_makes_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IGS_CACHE", str(tmp_path))
    retriever = make_retriever("cached", small_corpus(), retriever="bm25")
    assert retriever.search(["Alien"], 1)[0][0].title == "Alien"
    assert (tmp_path / "results.sqlite").exists()
