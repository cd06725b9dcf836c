"""Names of the entities of a world: unique, pronounceable, none contained in another."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

from igs_env.datasets.fiction.draws import draw, permute
from igs_env.datasets.fiction.relations import KINDS, ORGANISATION, PERSON, PLACE, WORK
from igs_env.datasets.fiction.world import LOOKALIKE, World

_SYLLABLES = tuple(onset + vowel for vowel in "aiou" for onset in "bdfhjklmnrstvw")
_CODAS = "lnrmkdvs"
_SPACES = {syllables: len(_CODAS) * len(_SYLLABLES) ** syllables for syllables in (2, 3)}
"""How many words can be spelt with so many syllables."""
_FIXED: dict[int, tuple[str, ...]] = {
    PLACE: ("Port", "Upper", "Lake", "Mount", "Fort", "Saint", "Cape", "East"),
    ORGANISATION: ("Institute", "Guild", "Society", "Press", "Union", "Academy", "Trust", "Works"),
    WORK: ("Silent", "Crimson", "Broken", "Hidden", "Golden", "Distant", "Hollow", "Final"),
}
_FORMS = ("{a} {b}", "{a} {b}", "{b} {a}", "The {a} {b}")
_LOOKALIKE_FORMS = ("{a} {m} {b}", "{a} {m} {b}", "{b} {m} {a}", "The {a} {m} {b}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names of a world's entities.

    A name joins two words, of which pools are as small as uniqueness allows: a world of 500
    documents has some 80 words of its own. Made-up words all have one length and one shape
    (consonant, vowel, …, consonant), so that no name is a part of another.
    """

    world: World
    pools: tuple[int, ...]
    """First number of each pool of made-up words: first names, last names, places,
    organisations, works, the words in the middle of look-alikes; then the total."""
    syllables: int
    """Per made-up word."""
    word_key: int
    """Names the permutation of all words that can be spelt."""
    rank_keys: tuple[int, ...]
    """Per kind, names the permutation of its entities."""

    def of(self, index: int) -> str:
        """Name of an entity, look-alikes included."""
        kind = index % KINDS
        if index < self.world.entities:
            a, b = self._words(index)
            return _FORMS[kind].format(a=a, b=b)
        a, b = self._words(self.world.original(index))
        size = self.pools[6] - self.pools[5]
        middle = self._word(5, draw(self.world.seed, LOOKALIKE, index) % size)
        return _LOOKALIKE_FORMS[kind].format(a=a, b=b, m=middle)

    def _words(self, index: int) -> tuple[str, str]:
        rank, kind = divmod(index, KINDS)
        rank = permute(rank, self.world.count(kind), self.rank_keys[kind])
        if kind == PERSON:
            last, first = divmod(rank, self.pools[1])
            return self._word(0, first), self._word(1, last)
        number, fixed = divmod(rank, len(_FIXED[kind]))
        return _FIXED[kind][fixed], self._word(kind + 1, number)

    def _word(self, pool: int, number: int) -> str:
        """Injective in (pool, number): digits of one permuted number, spelt as syllables."""
        code = permute(self.pools[pool] + number, _SPACES[self.syllables], self.word_key)
        code, coda = divmod(code, len(_CODAS))
        word = ""
        for _ in range(self.syllables):
            code, syllable = divmod(code, len(_SYLLABLES))
            word += _SYLLABLES[syllable]
        return (word + _CODAS[coda]).capitalize()


def names_of(world: World) -> Names:
    """Names with the smallest pools that serve the world."""
    people = world.count(PERSON)
    firsts = isqrt(people - 1) + 1
    sizes = [firsts, -(-people // firsts)]
    sizes += [-(-world.count(kind) // len(_FIXED[kind])) for kind in (PLACE, ORGANISATION, WORK)]
    sizes.append(isqrt(world.documents - world.entities) + 1)
    pools = tuple(sum(sizes[:end]) for end in range(len(sizes) + 1))
    return Names(
        world=world,
        pools=pools,
        syllables=2 if pools[-1] <= _SPACES[2] else 3,
        word_key=draw(world.seed),
        rank_keys=tuple(draw(world.seed, kind) for kind in range(KINDS)),
    )
