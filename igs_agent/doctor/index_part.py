"""A FAISS index: a folder of `igs index`, or a bare file that somebody else built."""

from __future__ import annotations

from pathlib import Path

from igs_agent.doctor.finding import Finding, missing, note, ok
from igs_agent.doctor.places import sized
from igs_agent.doctor.search import Search
from igs_env.datasets.corpus import IN_MEMORY_BELOW, open_corpus
from igs_env.errors import DataError, IGSearchError
from igs_env.retrievers.dense_index import VECTORS, read_index
from igs_env.retrievers.index_card import CARD, IndexCard
from igs_env.retrievers.index_size import index_bytes

WIKI18, E5 = 21_015_324, 768
"""Passages of wiki-18, dimensions of E5-base."""
PUBLISHED = "PeterJinGo/wiki-18-e5-index"
"""Search-R1's flat index on the hub, in two parts."""


def index_finding(search: Search, build: str) -> Finding:
    """What there is at the index's place; `build` is the command that builds it."""
    if search.index is None:
        return note("index", "none is named", "built in the cache folder on first use")
    place = Path(search.index).expanduser()
    if place.is_dir():
        return _saved(place, search, build)
    if place.is_file():
        return _bare(place, search, build)
    return missing("index", f"there is no {place}{_size(search)}", _remedy(place, build))


def _size(search: Search) -> str:
    size = index_bytes(search.factory, WIKI18, E5) if _is_wiki18(search) else None
    return f" ({sized(size)} for wiki-18)" if size else ""


def _is_wiki18(search: Search) -> bool:
    return (search.corpus or "").startswith("wiki18")


def _remedy(place: Path, build: str) -> str:
    building = place.with_name(f"{place.name}.building")
    if (place.parent / "part_aa").is_file():
        return f"cat {place.parent}/part_* > {place}"
    if (building / CARD).is_file():
        return f"a build was interrupted and goes on with: {build}"
    if place.suffix == ".index":
        fetch = f"hf download --repo-type dataset {PUBLISHED} --local-dir {place.parent}"
        return f"{fetch}; cat {place.parent}/part_* > {place}"
    return build


def _saved(place: Path, search: Search, build: str) -> Finding:
    try:
        card = IndexCard.read(place)
    except DataError as error:
        return missing("index", str(error), build)
    if not (place / VECTORS).is_file():
        return missing("index", f"{place} lacks {VECTORS}", f"rm -r {place}; {build}")
    if card.kind != "dense":
        return missing("index", f"{place} is a {card.kind} index", f"another folder: {build}")
    other = _fingerprint(search)
    if other is not None and other != card.corpus:
        return missing("index", f"{place} is of another corpus than {search.corpus}", build)
    return ok("index", f"{place}: {card.documents:,} documents, {card.settings.get('factory')}")


def _fingerprint(search: Search) -> str | None:
    """Of the corpus, where that costs no reading of gigabytes."""
    if search.corpus is None:
        return None
    path = Path(search.corpus).expanduser()
    if path.is_file() and path.stat().st_size >= IN_MEMORY_BELOW:
        return None
    try:
        return None if _is_wiki18(search) else open_corpus(search.corpus).fingerprint
    except IGSearchError:  # which the corpus' own finding tells
        return None


def _bare(place: Path, search: Search, build: str) -> Finding:
    try:
        index = read_index(place)
    except DataError as error:
        return missing("index", str(error), _remedy(place, build))
    if _is_wiki18(search) and index.ntotal != WIKI18:
        found = f"{place} holds {index.ntotal:,} vectors, wiki-18 has {WIKI18:,} passages"
        return missing("index", found, _remedy(place, build))
    return ok("index", f"{place}: {index.ntotal:,} vectors of {index.d}, of unknown origin")
