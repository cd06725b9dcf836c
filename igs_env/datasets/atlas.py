"""The embedded world `atlas`: real facts, multi-hop questions, no download.

Passages about films, people, countries, laureates and elements, written from public facts by
`tools/atlas`; sources and licences: `igs_env/data/atlas/LICENSES.md`, figures: `docs/atlas.md`.
"""

from __future__ import annotations

import json
import lzma
from functools import lru_cache
from importlib.resources import files
from typing import Any

from igs_env.errors import unknown_name
from igs_env.types import Document, Question

SPLITS = ("train", "dev", "test")
"""No start and relation path is in two of them."""


@lru_cache(maxsize=1)
def corpus() -> tuple[Document, ...]:
    """All passages: title and 40 to 120 words each.

    >>> document = corpus()[0]
    >>> document.id, document.title
    ('country-aa-geography', 'Geography of Aruba')
    """
    columns = _read("corpus")
    rows = zip(columns["id"], columns["title"], columns["text"], strict=True)
    return tuple(Document(id=name, title=title, text=text) for name, title, text in rows)


@lru_cache(maxsize=len(SPLITS))
def questions(*, split: str = "train") -> tuple[Question, ...]:
    """Questions of a split, with the passages that support each hop.

    `kind` is `single`, `bridge`, `comparison` or `yes_no`. `metadata` holds, per hop, `relations`,
    `entities` (what is looked up) and `queries` (a good search), and `start`, what the question
    names (of a comparison both, joined by ` | `).

    Args:
        split: `train`, `dev` or `test`.

    Raises:
        ConfigurationError: another split.

    >>> first = questions(split="dev")[0]
    >>> len(first.gold_documents) == len(first.metadata["queries"]) == first.hops
    True
    """
    if split not in SPLITS:
        raise unknown_name("split of atlas", split, SPLITS)
    columns = _read(split)
    rows = zip(*columns.values(), strict=True)
    return tuple(_question(dict(zip(columns, row, strict=True)), split) for row in rows)


def _question(row: dict[str, Any], split: str) -> Question:
    gold = tuple(tuple(documents) for documents in row["gold_documents"])
    return Question(
        id=row["id"],
        text=row["text"],
        answers=tuple(row["answers"]),
        gold_documents=gold,
        hops=len(gold),
        kind=row["kind"],
        split=split,
        metadata={key: row[key] for key in ("relations", "entities", "queries", "start")},
    )


def _read(name: str) -> dict[str, list[Any]]:
    packed = files("igs_env").joinpath("data", "atlas", f"{name}.json.xz").read_bytes()
    columns: dict[str, list[Any]] = json.loads(lzma.decompress(packed))
    return columns
