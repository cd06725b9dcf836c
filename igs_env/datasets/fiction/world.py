"""A made-up world: how large it is, how it is told, and what holds between its entities."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import astuple, dataclass, fields

from igs_env.datasets.fiction.draws import chance, draw, permute
from igs_env.datasets.fiction.relations import KINDS, RELATIONS, YEAR, Relation
from igs_env.errors import ConfigurationError

VERSION = 1
"""Raised whenever the same arguments give other bytes."""

OFFSET, OBJECT, MENTION, MENTIONED, TOLD, WORDING, ORDER, FILLER, LOOKALIKE = range(9)
SPLIT, START = range(9, 11)
"""What a draw is for: the second part of every key, after the seed."""

LIMITS: dict[str, tuple[float, float]] = {
    "documents": (20, 1_000_000),
    "seed": (0, 2**63 - 1),
    "facts": (1, 5),
    "paraphrase": (1, 4),
    "words": (0, 120),
    "distractors": (0.0, 0.4),
    "link_noise": (0.0, 3.0),
}
"""Least and greatest value of every knob."""


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """The knobs of a made-up world. Equal knobs give equal bytes.

    Document `i` is about entity `i`; kinds alternate. The last `distractors · documents` entities
    are look-alikes: they bear an earlier entity's name with a word put in between, are told about
    in the same terms, and lie on no question's path.
    """

    documents: int = 20_000
    """Number of documents."""
    seed: int = 0
    """Which world."""
    facts: int = 4
    """Relations stated per document, of the five that its kind has."""
    paraphrase: int = 3
    """Wordings in use per relation; 1 is one fixed sentence and one fixed noun."""
    words: int = 40
    """Documents are filled up with empty sentences to at least this many words."""
    distractors: float = 0.2
    """Share of documents that are look-alikes."""
    link_noise: float = 0.5
    """Expected number of sentences per document that name an unrelated entity."""

    def __post_init__(self) -> None:
        """Refuse a knob outside `LIMITS`, or of another type."""
        for field in fields(self):
            _check(field.name, getattr(self, field.name), integral=field.type == "int")

    @property
    def entities(self) -> int:
        """Number of entities that are no look-alikes; they come first."""
        return self.documents - int(self.documents * self.distractors)

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the knobs and the generator's version, which determine every byte."""
        knobs = repr((VERSION, *astuple(self)))
        return hashlib.sha256(f"fiction {knobs}".encode()).hexdigest()

    def original(self, index: int) -> int:
        """The entity that `index` resembles; itself where it is no look-alike.

        The original is of the same kind, and no two look-alikes share one.
        """
        if index < self.entities:
            return index
        kind = index % KINDS
        count = self.count(kind)
        return KINDS * permute(index // KINDS % count, count, draw(self.seed, LOOKALIKE)) + kind

    def count(self, kind: int) -> int:
        """Number of entities of a kind, look-alikes not counted."""
        return (self.entities + KINDS - 1 - kind) // KINDS

    def relations(self, index: int) -> Iterator[Relation]:
        """Relations that the document of an entity states; look-alikes copy their original's."""
        known = RELATIONS[index % KINDS]
        first = draw(self.seed, OFFSET, self.original(index))
        for step in range(self.facts):
            yield known[(first + step) % len(known)]

    def object(self, index: int, relation: Relation) -> int:
        """The entity, or the year, to which a relation leads from entity `index`."""
        number = draw(self.seed, OBJECT, index, RELATIONS[index % KINDS].index(relation))
        if relation.target == YEAR:
            return 1000 + number % 1000
        return self._other_than(index, relation.target, number)

    def mentions(self, index: int) -> list[int]:
        """Entities that the document of `index` names without a relation."""
        whole, part = divmod(self.link_noise, 1)
        count = int(whole) + chance(part, self.seed, MENTION, index)
        draws = (draw(self.seed, MENTIONED, index, turn) for turn in range(count))
        return [self._other_than(index, number % KINDS, number // KINDS) for number in draws]

    def _other_than(self, index: int, kind: int, number: int) -> int:
        count = self.count(kind)
        found = KINDS * (number % count) + kind
        return found if found != index else KINDS * ((number + 1) % count) + kind


def _check(name: str, value: object, *, integral: bool) -> None:
    low, high = LIMITS[name]
    kinds = (int,) if integral else (int, float)
    if isinstance(value, bool) or not isinstance(value, kinds) or not low <= value <= high:
        what = "a whole number" if integral else "a number"
        raise ConfigurationError(f"fiction: {name} is {value!r}; give {what} from {low} to {high}")
