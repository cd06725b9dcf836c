"""What a saved index belongs to: a small file beside it, checked whenever it is opened."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from igs_env.errors import DataError, IndexMismatchError
from igs_env.strict_json import parse_json

CARD = "index.json"


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexCard:
    """Identity of an index."""

    kind: str
    """`bm25` or `dense`."""
    corpus: str
    """Fingerprint of the corpus whose documents it finds."""
    documents: int
    """Number of documents in it."""
    settings: Mapping[str, str | int | float] = field(default_factory=dict)
    """Whatever else changes its contents: encoder, prefixes, BM25's constants, …"""

    def write(self, folder: Path) -> None:
        """Save the card as `index.json` in `folder`."""
        (folder / CARD).write_text(json.dumps(asdict(self), indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> IndexCard:
        """The card of the index in `folder`.

        Raises:
            DataError: there is none, or it is not a card.
        """
        path = folder / CARD
        try:
            return cls(**_fields(parse_json(path.read_text(encoding="utf-8"))))
        except FileNotFoundError as error:
            raise DataError(
                f"{folder} holds no {CARD}, so it is no index of ours; build one with: "
                "igs index --corpus … --output …"
            ) from error
        except (ValueError, TypeError) as error:
            raise DataError(f"{path} is damaged ({error}); build the index again") from error

    def check(self, wanted: IndexCard, folder: Path) -> None:
        """Raise `IndexMismatchError` unless this card of `folder` is the one that is wanted."""
        if self == wanted:
            return
        raise IndexMismatchError(
            f"index {folder} belongs to another {_difference(self, wanted)}; give the one it was "
            "built from, or build an index for this one: igs index --corpus … --output …"
        )


def _fields(card: Any) -> dict[str, Any]:
    """A card's fields; TypeError where one is not what it says."""
    kinds = {"kind": str, "corpus": str, "documents": int, "settings": dict}
    if not isinstance(card, dict) or any(
        not isinstance(card[name], kind) for name, kind in kinds.items() if name in card
    ):
        raise TypeError("kind and corpus are text, documents is a number, settings an object")
    return card


def _difference(found: IndexCard, wanted: IndexCard) -> str:
    if found.kind != wanted.kind:
        return f"retriever: it is {found.kind}, {wanted.kind} is asked for"
    if found.corpus != wanted.corpus:
        return (
            f"corpus: it holds {found.documents:,} documents with fingerprint "
            f"{found.corpus[:12]}…, this corpus has {wanted.documents:,} with {wanted.corpus[:12]}…"
        )
    keys = sorted(set(found.settings) | set(wanted.settings))
    differing = [key for key in keys if found.settings.get(key) != wanted.settings.get(key)]
    return "setting: " + "; ".join(
        f"{key} is {found.settings.get(key)!r} in it, {wanted.settings.get(key)!r} is asked for"
        for key in differing
    )
