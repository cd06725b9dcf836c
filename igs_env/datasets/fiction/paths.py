"""Paths through a made-up world, and which split each belongs to."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from igs_env.datasets.fiction.draws import draw, permute
from igs_env.datasets.fiction.relations import RELATIONS, YEAR, Relation
from igs_env.datasets.fiction.world import SPLIT, START, World

SHARES = {"train": 8, "dev": 1, "test": 1}
"""Tenths of all paths per split."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Path:
    """Relations followed one after the other from an entity."""

    entities: tuple[int, ...]
    """The entity whose document states each hop; the first is the start."""
    relations: tuple[Relation, ...]
    """One per hop."""
    answer: int
    """Where the last relation leads: an entity or a year."""


def paths(world: World, split: str, hops: range) -> Iterator[Path]:
    """Every usable path of a split, in an order that the seed names.

    Starts come in a shuffled order; each contributes one path per round and length, so that a
    small number of questions already covers many starts.
    """
    key = draw(world.seed, START)
    for turn in range(len(RELATIONS[0]) ** max(hops)):
        found = False
        for rank in range(world.entities):
            start = permute(rank, world.entities, key)
            for length in hops:
                path = _walk(world, start, turn, length)
                found |= path is not None
                if path is not None and split_of(world, path) == split and is_usable(world, path):
                    yield path
        if not found:
            return


def _walk(world: World, start: int, turn: int, length: int) -> Path | None:
    """The `turn`-th path of this length from a start, or None beyond the last."""
    entities, relations, at = [start], [], start
    for hop in range(length):
        last = hop == length - 1
        choices = [each for each in world.relations(at) if last or each.target != YEAR]
        if not choices:
            return None
        turn, choice = divmod(turn, len(choices))
        relation = choices[(choice + draw(world.seed, START, at)) % len(choices)]
        relations.append(relation)
        at = world.object(at, relation)
        if not last:
            entities.append(at)
    if turn:
        return None
    return Path(entities=tuple(entities), relations=tuple(relations), answer=at)


def split_of(world: World, path: Path) -> str:
    """The split of a path; it depends on its start and its relations alone."""
    key = (relation.target for relation in path.relations)
    tenth = draw(world.seed, SPLIT, path.entities[0], len(path.relations), *key) % 10
    for split, share in SHARES.items():
        if tenth < share:
            return split
        tenth -= share
    raise AssertionError("shares add up to ten")


def is_usable(world: World, path: Path) -> bool:
    """Whether every hop is needed.

    No entity is visited twice, and the answer is named in no document before the last, neither
    by another relation nor in passing.
    """
    year = path.relations[-1].target == YEAR
    visited = path.entities if year else (*path.entities, path.answer)
    if len(set(visited)) < len(visited):
        return False
    return not any(_names(world, entity, path.answer, year) for entity in path.entities[:-1])


def _names(world: World, entity: int, answer: int, year: bool) -> bool:
    stated = (
        world.object(entity, relation)
        for relation in world.relations(entity)
        if (relation.target == YEAR) == year
    )
    return answer in stated or (not year and answer in world.mentions(entity))
