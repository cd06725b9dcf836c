"""Dense search: exact against arithmetic, built in pieces, resumed after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from retrieval_fixtures import small_corpus

import igs_env.retrievers.dense_index as dense_index
import igs_env.retrievers.embeddings as embeddings
from igs_env.datasets import open_corpus
from igs_env.datasets.contents import format_contents
from igs_env.errors import ConfigurationError, IndexMismatchError
from igs_env.retrievers import make_retriever
from igs_env.retrievers.dense_index import build_dense_index
from igs_env.retrievers.encoder import make_encoder
from igs_env.retrievers.query_vectors import QueryVectors
from igs_env.types import Document


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IGS_CACHE", str(tmp_path / "cache"))


class Counting:
    """Hashing, with a record of what was encoded."""

    fingerprint = "counting"

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._encoder = make_encoder("hashing", dimensions=64)

    def encode(self, texts: Sequence[str], /) -> Any:
        self.texts.extend(texts)
        return self._encoder.encode(texts)


QUERIES = ("film by Ridley Scott", "capital of Peru", "Nobel Prize in Physics")


@pytest.mark.parametrize("factory", ["Flat", "HNSW32", "IVF2,Flat", "SQ8"])
def test_an_index_of_any_factory_ranks_by_inner_product(factory: str) -> None:
    corpus, encoder = small_corpus(), make_encoder("hashing", dimensions=64)
    parameters = "nprobe=2" if factory.startswith("IVF") else ""
    retriever = make_retriever(
        "dense", corpus, encoder=encoder, factory=factory, search_parameters=parameters
    )
    passages = encoder.encode([format_contents(document) for document in corpus])
    for query, found in zip(QUERIES, retriever.search(QUERIES, 3), strict=True):
        products = (passages @ encoder.encode([query])[0]).tolist()
        wanted = sorted(range(len(corpus)), key=lambda i: -products[i])[:3]
        assert [document.id for document in found] == [corpus[i].id for i in wanted]
        tolerance = 0.02 if factory == "SQ8" else 1e-5
        assert [d.score for d in found] == pytest.approx(
            [products[i] for i in wanted], abs=tolerance
        )


def test_documents_of_equal_text_stay_in_corpus_order_in_any_batch() -> None:
    corpus = open_corpus([Document(id=str(n), title="Same", text="text") for n in range(30)])
    retriever = make_retriever("dense", corpus, encoder="hashing")
    for queries in (["same"], [f"same {n}" for n in range(40)] + ["same"]):
        found = retriever.search(queries, 30)[-1]
        assert [document.id for document in found] == [str(n) for n in range(30)]
        # What differs in the sixth decimal differs by chance, and must not decide an order.
        assert all(document.score == round(document.score, 5) for document in found)


def test_more_documents_than_there_are_and_no_queries() -> None:
    retriever = make_retriever("dense", small_corpus(), encoder="hashing")
    assert len(retriever.search(["film"], 100)[0]) == len(small_corpus())
    assert retriever.search([], 3) == []


def test_a_query_without_words_finds_nothing_rather_than_the_first_documents() -> None:
    retriever = make_retriever("dense", small_corpus(), encoder="hashing")
    assert retriever.search(["?!", "film"], 2)[0] == ()


def test_prefixes_go_in_front_of_queries_and_of_passages() -> None:
    encoder = Counting()
    retriever = make_retriever(
        "dense", small_corpus(), encoder=encoder, query_prefix="query: ", passage_prefix="passage: "
    )
    retriever.search(["Alien"], 1)
    assert encoder.texts[0] == 'passage: "Alien"\n' + small_corpus()[0].text
    assert encoder.texts[-1] == "query: Alien"


def test_a_query_is_encoded_once_while_it_is_kept() -> None:
    encoder = Counting()
    vectors = QueryVectors(encoder, capacity=2)
    first = vectors(["a1", "b1", "a1"])
    assert encoder.texts == ["a1", "b1"]
    assert (first[0] == first[2]).all()
    assert (vectors(["b1"]) == first[1]).all()
    vectors(["c1"])
    vectors(["a1"])
    assert encoder.texts == ["a1", "b1", "c1", "a1"]


def test_a_batch_larger_than_what_is_kept_is_answered_whole() -> None:
    assert QueryVectors(Counting(), capacity=1)(["a", "b", "c"]).shape == (3, 64)


def test_an_index_given_by_folder_brings_its_own_factory_and_prefix(tmp_path: Path) -> None:
    corpus, encoder = small_corpus(), make_encoder("hashing")
    build_dense_index(
        corpus, encoder, tmp_path / "index", factory="HNSW16", passage_prefix="passage: "
    )
    assert make_retriever("dense", corpus, encoder="hashing", index=tmp_path / "index")
    with pytest.raises(IndexMismatchError, match="factory is 'HNSW16' in it, 'Flat' is asked for"):
        make_retriever("dense", corpus, encoder="hashing", index=tmp_path / "index", factory="Flat")


def test_search_r1s_index_file_beside_its_corpus_is_read_as_it_is(tmp_path: Path) -> None:
    import faiss

    corpus, encoder = small_corpus(), make_encoder("hashing", dimensions=64)
    index = faiss.index_factory(64, "Flat", faiss.METRIC_INNER_PRODUCT)
    index.add(encoder.encode([format_contents(document) for document in corpus]))
    faiss.write_index(index, str(tmp_path / "e5_Flat.index"))
    lines = [json.dumps({"id": d.id, "contents": format_contents(d)}) for d in corpus]
    (tmp_path / "corpus.jsonl").write_text("\n".join(lines))
    with pytest.warns(UserWarning, match="carries no fingerprint"):
        retriever = make_retriever(
            "dense",
            open_corpus(tmp_path / "corpus.jsonl"),
            encoder=encoder,
            index=tmp_path / "e5_Flat.index",
            check="size",
        )
    assert retriever.search(["film Gladiator"], 1)[0][0].title == "Gladiator"


def test_building_goes_on_where_it_was_and_encodes_no_chunk_twice(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "CHUNK", 4)

    class Tired(Counting):
        def encode(self, texts: Sequence[str], /) -> Any:
            if len(self.texts) == 8:
                raise KeyboardInterrupt
            return super().encode(texts)

    with pytest.raises(KeyboardInterrupt):
        build_dense_index(small_corpus(), Tired(), tmp_path / "index", passage_prefix="")
    assert not (tmp_path / "index").exists()
    fresh = Counting()
    build_dense_index(small_corpus(), fresh, tmp_path / "index", passage_prefix="")
    assert fresh.texts == [format_contents(document) for document in small_corpus()][8:]
    again = Counting()
    build_dense_index(small_corpus(), again, tmp_path / "index", passage_prefix="")
    assert again.texts == []
    assert sorted(path.name for path in (tmp_path / "index").iterdir()) == [
        "checksums.json",
        "index.json",
        "vectors.faiss",
    ]


def test_a_finished_index_is_not_built_again_when_its_embeddings_are_half_cleared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    remove = dense_index.shutil.rmtree

    def remove_and_die(folder: Path, **options: Any) -> None:
        remove(folder, **options)
        raise KeyboardInterrupt

    monkeypatch.setattr(dense_index.shutil, "rmtree", remove_and_die)
    with pytest.raises(KeyboardInterrupt):
        build_dense_index(small_corpus(), Counting(), tmp_path / "index", passage_prefix="")
    monkeypatch.undo()
    encoder = Counting()
    build_dense_index(small_corpus(), encoder, tmp_path / "index", passage_prefix="")
    assert encoder.texts == []
    assert make_retriever("dense", small_corpus(), encoder=encoder, index=tmp_path / "index")


def test_work_begun_on_another_corpus_is_not_gone_on_with(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Tired(Counting):
        def encode(self, texts: Sequence[str], /) -> Any:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build_dense_index(small_corpus(), Tired(), tmp_path / "index", passage_prefix="")
    other = open_corpus([Document(id="1", title="Other", text="text")])
    with pytest.raises(IndexMismatchError, match="holds work on another index"):
        build_dense_index(other, Counting(), tmp_path / "index", passage_prefix="")


SLOW_BUILD = """
import sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[2])
import igs_env.retrievers.embeddings as embeddings
from retrieval_fixtures import small_corpus
from test_retriever_dense import Counting
from igs_env.retrievers.dense_index import build_dense_index
embeddings.CHUNK = 1
class Slow(Counting):
    def encode(self, texts):
        time.sleep(0.2)
        return super().encode(texts)
build_dense_index(small_corpus(), Slow(), Path(sys.argv[1]), passage_prefix="")
"""


def test_a_build_killed_without_warning_is_taken_up_and_gives_the_same_index(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "CHUNK", 1)
    folder, done = tmp_path / "index", tmp_path / "index.building" / "embeddings"
    here = str(Path(__file__).parent)
    build = subprocess.Popen([sys.executable, "-c", SLOW_BUILD, str(folder), here])
    deadline = time.monotonic() + 60
    while len(list(done.glob("*.npy"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(build.pid, signal.SIGKILL)
    build.wait()
    kept = len(list(done.glob("*.npy")))
    assert 3 <= kept < len(small_corpus())
    assert not folder.exists()
    encoder = Counting()
    build_dense_index(small_corpus(), encoder, folder, passage_prefix="")
    assert len(encoder.texts) == len(small_corpus()) - kept
    build_dense_index(small_corpus(), Counting(), tmp_path / "whole", passage_prefix="")
    for name in ("index.json", "vectors.faiss"):
        assert (folder / name).read_bytes() == (tmp_path / "whole" / name).read_bytes()


def test_a_chunk_that_is_cut_short_is_encoded_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(embeddings, "CHUNK", 4)
    encoder = Counting()
    chunks = embeddings.Embeddings(
        folder=tmp_path, corpus=small_corpus(), encoder=encoder, prefix=""
    )
    chunks.write()
    whole = np.concatenate(list(chunks))
    (tmp_path / "000001.npy").write_bytes(b"\x93NUMPY")
    chunks.write()
    assert len(encoder.texts) == 10 + 4
    assert (np.concatenate(list(chunks)) == whole).all()


BROKEN = {
    "too few rows": (lambda texts: np.zeros((1, 8), dtype=np.float32), r"shape \(1, 8\) for 10"),
    "no rows": (lambda texts: np.zeros(8, dtype=np.float32), r"shape \(8,\)"),
    "NaN": (lambda texts: np.full((len(texts), 8), np.nan, np.float32), "not finite"),
}


@pytest.mark.parametrize("what", BROKEN)
def test_an_encoder_that_gives_something_else_is_refused(what: str) -> None:
    encode, message = BROKEN[what]

    class Broken:
        fingerprint = "broken"

        def encode(self, texts: Sequence[str], /) -> Any:
            return encode(texts)

    with pytest.raises(ConfigurationError, match=message):
        make_retriever("dense", small_corpus(), encoder=Broken())


FORKED = """
import multiprocessing, os, sys
sys.path.insert(0, sys.argv[1])
from retrieval_fixtures import small_corpus
from igs_env.retrievers import make_retriever
queries = [f"film {n}" for n in range(100)]
retriever = make_retriever("dense", small_corpus(), encoder=sys.argv[2])
here = retriever.search(queries, 3)
queue = multiprocessing.get_context("fork").Queue()
def search():
    queue.put(retriever.search([f"{query} new" for query in queries], 3))
child = multiprocessing.get_context("fork").Process(target=search, daemon=True)
child.start()
assert len(queue.get(timeout=60)) == 100
"""


@pytest.mark.parametrize("encoder", ["hashing", pytest.param("wordllama", marks=pytest.mark.slow)])
def test_a_forked_worker_searches_after_its_parent_did(encoder: str, tmp_path: Path) -> None:
    if encoder == "wordllama":
        for module in ("sentence_transformers", "wordllama"):
            if find_spec(module) is None:
                pytest.skip(f"{module} is not installed")
    here = str(Path(__file__).parent)
    env = {**os.environ, "IGS_CACHE": str(tmp_path), "OMP_NUM_THREADS": "2"}
    command = [sys.executable, "-c", FORKED, here, encoder]
    done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_an_object_that_is_no_encoder_is_named() -> None:
    with pytest.raises(ConfigurationError, match="lacks encode"):
        make_retriever("dense", small_corpus(), encoder=object())


def test_flat_search_is_a_matrix_product_from_twenty_queries_on() -> None:
    import faiss

    make_retriever("dense", small_corpus(), encoder="hashing")
    assert faiss.cvar.distance_compute_blas_threshold == 20
