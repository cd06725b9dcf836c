"""BM25: its formula, its ties, its words, and the index that is kept."""

from __future__ import annotations

import math
import subprocess
import sys
from pathlib import Path

import pytest
from retrieval_fixtures import small_corpus

import igs_env.retrievers.bm25 as bm25
from igs_env.datasets import open_corpus
from igs_env.retrievers import make_retriever
from igs_env.types import Document


def corpus_of(*texts: str):  # type: ignore[no-untyped-def]
    return open_corpus([Document(id=str(n), title="", text=text) for n, text in enumerate(texts)])


def test_scores_are_lucenes_bm25() -> None:
    corpus = corpus_of("red red blue", "blue green", "yellow")
    (found,) = make_retriever("bm25", corpus, k1=1.5, b=0.75).search(["red blue"], top_k=3)
    average = (3 + 2 + 1) / 3
    idf_red = math.log(1 + (3 - 1 + 0.5) / (1 + 0.5))
    idf_blue = math.log(1 + (3 - 2 + 0.5) / (2 + 0.5))
    norm = [1.5 * (1 - 0.75 + 0.75 * length / average) for length in (3, 2)]
    assert [document.id for document in found] == ["0", "1"]
    assert found[0].score == pytest.approx(
        idf_red * 2 / (2 + norm[0]) + idf_blue * 1 / (1 + norm[0]), rel=1e-6
    )
    assert found[1].score == pytest.approx(idf_blue * 1 / (1 + norm[1]), rel=1e-6)


def test_a_document_that_shares_no_word_is_never_returned() -> None:
    retriever = make_retriever("bm25", corpus_of("red", "blue", "green"))
    assert [d.id for d in retriever.search(["blue"], top_k=3)[0]] == ["1"]
    assert retriever.search(["yellow", "", "?"], top_k=3) == [(), (), ()]


def test_equal_scores_are_in_corpus_order_whatever_is_cut() -> None:
    retriever = make_retriever("bm25", corpus_of(*["red blue"] * 50, "red"))
    (found,) = retriever.search(["red blue"], top_k=7)
    assert [document.id for document in found] == [str(n) for n in range(7)]


def test_single_and_batched_searches_agree_bit_for_bit() -> None:
    retriever = make_retriever("bm25", small_corpus())
    queries = ["film by Ridley Scott", "capital", "Nobel Prize in Physics", "highest mountain"]
    assert retriever.search(queries, 3) == [retriever.search([query], 3)[0] for query in queries]


def test_accents_case_and_plural_do_not_keep_words_apart() -> None:
    retriever = make_retriever("bm25", corpus_of("Miloš Forman's films", "countries"))
    assert retriever.search(["MILOS FORMAN"], 1)[0][0].id == "0"
    assert retriever.search(["film"], 1)[0][0].id == "0"
    assert retriever.search(["country"], 1)[0][0].id == "1"


def test_stopwords_do_not_count_unless_there_is_nothing_else() -> None:
    retriever = make_retriever("bm25", corpus_of("who is it", "Alien", "The Who"))
    assert [d.id for d in retriever.search(["who is Alien"], 3)[0]] == ["1"]
    assert {d.id for d in retriever.search(["The Who"], 3)[0]} == {"0", "2"}


def test_a_big_corpus_index_is_kept_mapped_and_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("IGS_CACHE", str(tmp_path))
    in_memory = make_retriever("bm25", small_corpus())
    assert not any(tmp_path.iterdir())
    monkeypatch.setattr(bm25, "KEPT_FROM", 1)
    built, opened = (make_retriever("bm25", small_corpus()) for _ in range(2))
    assert len(list((tmp_path / "bm25").iterdir())) == 1
    queries = ["film by Ridley Scott", "capital of Peru", "second highest mountain"]
    assert in_memory.search(queries, 5) == built.search(queries, 5) == opened.search(queries, 5)


def test_a_cache_that_cannot_be_written_costs_nothing_but_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("IGS_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(bm25, "KEPT_FROM", 1)
    assert make_retriever("bm25", small_corpus()).search(["Alien"], 1)[0][0].title == "Alien"


def test_other_constants_are_another_index_and_another_fingerprint(tmp_path: Path) -> None:
    from igs_env.errors import IndexMismatchError

    bm25.build_bm25_index(small_corpus(), tmp_path / "index")
    assert make_retriever("bm25", small_corpus(), index=tmp_path / "index")
    with pytest.raises(IndexMismatchError, match=r"k1 is 1.5 in it, 0.9 is asked for"):
        make_retriever("bm25", small_corpus(), index=tmp_path / "index", k1=0.9)
    fingerprints = [make_retriever("bm25", small_corpus(), k1=k).fingerprint for k in (0.9, 1.5)]  # type: ignore[attr-defined]
    assert fingerprints[0] != fingerprints[1]


def test_indexing_says_nothing_and_does_without_numba() -> None:
    program = """
import logging, sys
logging.basicConfig(level=logging.DEBUG)
sys.modules["numba"] = None
from igs_env.datasets import open_corpus
from igs_env.retrievers import make_retriever
from igs_env.types import Document
corpus = open_corpus([Document(id="1", title="Alien", text="A film.")])
assert make_retriever("bm25", corpus).search(["alien", ""], top_k=3)[0][0].id == "1"
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


def test_the_index_does_not_depend_on_the_order_of_a_hash(tmp_path: Path) -> None:
    program = """
import sys
from pathlib import Path
sys.path.insert(0, sys.argv[2])
from retrieval_fixtures import small_corpus
from igs_env.retrievers.bm25 import build_bm25_index
build_bm25_index(small_corpus(), Path(sys.argv[1]))
"""
    written = []
    for seed in ("1", "2"):
        folder = tmp_path / seed
        subprocess.run(
            [sys.executable, "-c", program, str(folder), str(Path(__file__).parent)],
            env={"PYTHONHASHSEED": seed},
            check=True,
        )
        written.append({path.name: path.read_bytes() for path in sorted(folder.iterdir())})
    assert written[0] == written[1]
