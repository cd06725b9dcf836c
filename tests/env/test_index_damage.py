"""A damaged index is named, or built again where it is the cache's; never searched."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest
from retrieval_fixtures import small_corpus

from igs_env.errors import DataError
from igs_env.retrievers import make_retriever
from igs_env.retrievers.bm25 import build_bm25_index
from igs_env.retrievers.checksums import FILE

HASHING: dict[str, Any] = {"encoder": "hashing", "encoder_kwargs": {"dimensions": 64}}
SPECS: dict[str, dict[str, Any]] = {"bm25": {}, "dense": HASHING}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IGS_CACHE", str(tmp_path))


def flip_a_bit(folder: Path) -> Path:
    """Of the largest file; its size stays."""
    path = max(folder.rglob("*"), key=lambda p: p.stat().st_size * p.is_file())
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    return path


@pytest.mark.parametrize("name", SPECS)
def test_a_cached_index_of_which_a_bit_flipped_is_built_again_and_says_so(
    name: str,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("igs_env.retrievers.bm25.KEPT_FROM", 1)
    before = make_retriever(name, small_corpus(), **SPECS[name]).search(["a film"], 3)
    (folder,) = (tmp_path / name).glob("*/")
    broken = flip_a_bit(folder)
    with caplog.at_level(logging.WARNING):
        after = make_retriever(name, small_corpus(), **SPECS[name]).search(["a film"], 3)
    assert after == before
    assert f"is built again: {broken.name} was changed" in caplog.text


@pytest.mark.parametrize("damaged", ["cut", "gone", "noted"])
def test_an_index_that_somebody_named_is_refused_with_what_is_wrong(
    damaged: str, tmp_path: Path
) -> None:
    folder = tmp_path / "mine"
    build_bm25_index(small_corpus(), folder)
    assert make_retriever("bm25", small_corpus(), index=folder).search(["Alien"], 1)[0]
    path = flip_a_bit(folder)
    if damaged == "cut":
        path.write_bytes(path.read_bytes()[:-1])
    elif damaged == "gone":
        path.unlink()
    else:
        (folder / FILE).write_text("[")
    message = {"cut": "others than were written", "gone": "is missing", "noted": "cannot be read"}
    with pytest.raises(DataError, match=rf"mine is damaged: .*{message[damaged]}.*igs index"):
        make_retriever("bm25", small_corpus(), index=folder)


@pytest.mark.parametrize(
    "part", ['"settings": [1]', '"settings": 5', '"corpus": null', '"documents": "many"']
)
def test_a_card_whose_parts_are_not_what_they_say_is_damaged(part: str, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    build_bm25_index(small_corpus(), folder)
    card = folder / "index.json"
    whole = card.read_text(encoding="utf-8").rstrip().removesuffix("}")
    card.write_text(f"{whole}, {part}}}", encoding="utf-8")  # the last of equal names counts
    with pytest.raises(DataError, match="is damaged"):
        make_retriever("bm25", small_corpus(), index=folder)
