"""An index over several servers finds what one finds, or fails."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from retrieval_fixtures import TEXTS, sends, server, small_corpus

from igs_env.datasets import open_corpus
from igs_env.datasets.part import CorpusPart
from igs_env.errors import ConfigurationError, DataError, RetrievalError
from igs_env.retrievers import make_retriever
from igs_env.retrievers.check import check_retriever
from igs_env.retrievers.server import create_app, serving
from igs_env.types import Document

HASHING: dict[str, Any] = {"encoder": "hashing", "encoder_kwargs": {"dimensions": 64}}
QUICK = {"attempts": 1, "timeout": 5.0}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IGS_CACHE", str(tmp_path))


def served(stack: ExitStack, number: int, parts: int, *, corpus: str = "films") -> str:
    part = CorpusPart(small_corpus(), number, parts)
    retriever = make_retriever("dense", part, **HASHING)
    app = create_app(retriever, documents=len(part), shard=f"{number}/{parts}", corpus=corpus)
    return stack.enter_context(serving(app))


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as opened:
        yield opened


@pytest.mark.parametrize("parts", [1, 3])
def test_shards_find_what_one_index_finds_in_the_same_order(parts: int, stack: ExitStack) -> None:
    corpus = small_corpus()
    urls = [served(stack, number, parts) for number in range(parts)]
    retriever = make_retriever("sharded", None, urls=urls)
    check_retriever(retriever, corpus)
    whole = make_retriever("dense", corpus, **HASHING)
    queries = [*TEXTS, "a film directed by", "capital", "physics prize of 1903", "zzz"]
    for top_k in (1, 3, 10):
        assert retriever.search(queries, top_k) == whole.search(queries, top_k)


def test_equal_scores_stand_in_corpus_order_across_shards(stack: ExitStack) -> None:
    texts = ["same words"] * 6
    corpus = open_corpus([Document(id=f"{n}", title="", text=t) for n, t in enumerate(texts)])
    urls = []
    for number in range(3):
        part = CorpusPart(corpus, number, 3)
        app = create_app(make_retriever("dense", part, **HASHING), documents=2, shard=f"{number}/3")
        urls.append(stack.enter_context(serving(app)))
    (found,) = make_retriever("sharded", None, urls=urls).search(["same words"], 5)
    assert [document.id for document in found] == ["0", "1", "2", "3", "4"]


def test_without_one_shard_a_search_fails_and_is_no_ranking_of_the_others(
    stack: ExitStack,
) -> None:
    with serving(create_app(make_retriever("bm25", small_corpus()), documents=10)) as gone:
        pass
    urls = [served(stack, 0, 2), gone]
    retriever = make_retriever("sharded", None, urls=urls, check=False, options=QUICK)
    with pytest.raises(RetrievalError, match="could not be reached"):
        retriever.search(["Alien"], 3)


def test_another_server_of_the_shard_answers_for_one_that_fails_which_then_rests(
    stack: ExitStack,
) -> None:
    broken, seen = stack.enter_context(server(sends(b"broken", 500)))
    urls = [served(stack, 0, 2), [broken, served(stack, 1, 2)]]
    retriever = make_retriever("sharded", None, urls=urls, check=False, options=QUICK)
    whole = make_retriever("dense", small_corpus(), **HASHING)
    for query in ("Alien", "Helium", "Lima"):
        assert retriever.search([query], 3) == whole.search([query], 3)
    assert len(seen.bodies) == 1


@pytest.mark.parametrize(
    ("order", "message"),
    [([1, 0], "serves 1/2, where shard 0/2 was expected"), ([0], "where shard 0/1 was expected")],
)
def test_servers_that_are_not_the_shards_of_one_index_are_refused(
    order: list[int], message: str, stack: ExitStack
) -> None:
    urls = [served(stack, number, 2) for number in (0, 1)]
    with pytest.raises(ConfigurationError, match=message):
        make_retriever("sharded", None, urls=[urls[number] for number in order])


def test_parts_of_different_corpora_are_refused(stack: ExitStack) -> None:
    urls = [served(stack, 0, 2), served(stack, 1, 2, corpus="other films")]
    with pytest.raises(ConfigurationError, match="different corpora"):
        make_retriever("sharded", None, urls=urls)


def test_a_part_is_a_corpus() -> None:
    corpus = small_corpus()
    parts = [CorpusPart(corpus, number, 3) for number in range(3)]
    assert [d for part in parts for d in part] == list(corpus)
    assert len({part.fingerprint for part in parts} | {corpus.fingerprint}) == 4
    assert parts[1][-1] == parts[1][len(parts[1]) - 1]
    with pytest.raises(IndexError):
        parts[1][len(parts[1])]
    with pytest.raises(DataError, match="another part"):
        parts[1].by_id("d0")
    with pytest.raises(ConfigurationError, match="part 11/11 of a corpus of 10"):
        CorpusPart(corpus, 11, 11)
