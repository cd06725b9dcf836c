"""The documents of a made-up world, each made when it is asked for."""

from __future__ import annotations

from collections.abc import Iterator

from igs_env.datasets.fiction.draws import draw
from igs_env.datasets.fiction.names import Names, names_of
from igs_env.datasets.fiction.relations import YEAR, Relation
from igs_env.datasets.fiction.sentences import FILLERS, MENTIONS
from igs_env.datasets.fiction.world import FILLER, ORDER, TOLD, WORDING, World
from igs_env.errors import DataError
from igs_env.types import Document

_PREFIX = "fiction-"


class FictionCorpus:
    """Documents of a world. Nothing is stored: document `i` is made from (knobs, i).

    >>> corpus = FictionCorpus(World(documents=500, facts=1, words=0))
    >>> corpus[3] == corpus.by_id("fiction-3")
    True
    """

    def __init__(self, world: World) -> None:
        """`world`: the knobs, already checked."""
        self.world = world
        self._names = names_of(world)

    def __len__(self) -> int:
        """Number of documents."""
        return self.world.documents

    def __iter__(self) -> Iterator[Document]:
        """Documents in order, one in memory at a time."""
        return map(self._document, range(len(self)))

    def __getitem__(self, index: int, /) -> Document:
        """Document at a position, made now."""
        if not -len(self) <= index < len(self):
            raise IndexError(f"document {index} of a corpus of {len(self)}")
        return self._document(index % len(self))

    def by_id(self, id: str, /) -> Document:
        """The document with this id; DataError if there is none."""
        digits = id.removeprefix(_PREFIX)
        if digits.isdecimal() and int(digits) < len(self) and id == document_id(int(digits)):
            return self._document(int(digits))
        raise DataError(
            f"this fiction corpus has no document {id!r}; its ids are {_PREFIX}0 to "
            f"{_PREFIX}{len(self) - 1}: check that questions and index belong to this world"
        )

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the knobs: cheap for any size, and equal exactly where the bytes are."""
        return self.world.fingerprint

    def _document(self, index: int) -> Document:
        return Document(
            id=document_id(index),
            title=self._names.of(index),
            text=passage(self.world, self._names, index),
        )


def document_id(index: int) -> str:
    """Id of the document about an entity."""
    return f"{_PREFIX}{index}"


def passage(world: World, names: Names, index: int) -> str:
    """Text about an entity: its facts, unrelated mentions and empty sentences, shuffled."""
    name = names.of(index)
    sentences = [_fact(world, names, index, name, relation) for relation in world.relations(index)]
    for turn, other in enumerate(world.mentions(index)):
        wording = draw(world.seed, TOLD, index, turn) % len(MENTIONS)
        sentences.append(MENTIONS[wording].format(s=name, o=names.of(other)))
    sentences += _fillers(world, index, sum(len(sentence.split()) for sentence in sentences))
    order = sorted(range(len(sentences)), key=lambda turn: draw(world.seed, ORDER, index, turn))
    return " ".join(sentences[turn] for turn in order)


def _fact(world: World, names: Names, index: int, name: str, relation: Relation) -> str:
    target = world.object(index, relation)
    told = str(target) if relation.target == YEAR else names.of(target)
    wording = draw(world.seed, WORDING, index, relation.target) % world.paraphrase
    return relation.statements[wording].format(s=name, o=told)


def _fillers(world: World, index: int, words: int) -> list[str]:
    start = draw(world.seed, FILLER, index) % len(FILLERS)
    chosen: list[str] = []
    while words < world.words:
        chosen.append(FILLERS[(start + 5 * len(chosen)) % len(FILLERS)])
        words += len(chosen[-1].split())
    return chosen
