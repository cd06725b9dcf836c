"""Questions about two entities: which comes first or is more, and whether they agree."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.atlas.candidate import Candidate
from tools.atlas.chains import aliases, film_answers
from tools.atlas.queries import QUERIES
from tools.atlas.wording import draw, pick, shuffled, the
from tools.atlas.world import World

Entry = tuple[str, float | str, tuple[str, ...], tuple[str, ...], str]
"""Name, what is compared, its passages, ways to say the name, and how a passage states it."""

_MORE = {
    "year": (
        (False, "Which film came out first, {a} or {b}?"),
        (False, "Which film was released earlier, {a} or {b}?"),
        (True, "Which film is newer, {a} or {b}?"),
        (True, "Which of the films {a} and {b} was released later?"),
    ),
    "minutes": (
        (True, "Which film is longer, {a} or {b}?"),
        (False, "Which film has the shorter running time, {a} or {b}?"),
        (True, "Which of the films {a} and {b} has the longer running time?"),
        (False, "Which film is shorter, {a} or {b}?"),
    ),
    "peak": (
        (True, "Which country has the higher highest point, {a} or {b}?"),
        (False, "Which country has the lower highest point, {a} or {b}?"),
        (True, "In which country is the highest point higher, {a} or {b}?"),
    ),
    "birthday": (
        (False, "Who was born first, {a} or {b}?"),
        (False, "Who is older, {a} or {b}?"),
        (True, "Who was born later, {a} or {b}?"),
    ),
    "number": (
        (True, "Which element has the higher atomic number, {a} or {b}?"),
        (False, "Which element has the lower atomic number, {a} or {b}?"),
        (True, "Of {a} and {b}, which element has the higher atomic number?"),
    ),
}
_SAME = {
    "director": (
        "Were the films {a} and {b} directed by the same person?",
        "Do the films {a} and {b} have the same director?",
        "Did one person direct both {a} and {b}?",
    ),
    "birth_country": (
        "Were {a} and {b} born in the same country?",
        "Do {a} and {b} have the same birth country?",
        "Is the birth country of {a} also that of {b}?",
    ),
}


def comparison(world: World) -> Iterator[Candidate]:
    """Pairs of which one is first, longer, higher or older."""
    for relation, entries in _measured(world).items():
        for number, one in enumerate(entries):
            for turn in range(3):
                other = entries[draw(relation, number, turn) % len(entries)]
                if one[1] != other[1] and one[0] != other[0]:
                    yield _compared(relation, one, other)


def yes_no(world: World) -> Iterator[Candidate]:
    """Pairs that agree in something, or do not; as many as there are entries, of each."""
    directed: list[Entry] = [
        (film.title, film.directors[0], (film.id,), (), film.directors[0])
        for film in world.films
        if len(film.directors) == 1
    ]
    born: list[Entry] = [
        (n, found[0].country, (found[0].id,), (), found[0].country)
        for n, found in world.laureates.items()
    ]
    for relation, entries in (("director", directed), ("birth_country", born)):
        alike: dict[float | str, list[Entry]] = {}
        for entry in entries:
            alike.setdefault(entry[1], []).append(entry)
        for number, one in enumerate(entries):
            group = alike[one[1]]
            for pool in (group, entries):
                other = pool[draw(relation, number, len(pool)) % len(pool)]
                if one[0] != other[0] and (pool is group or one[1] != other[1]):
                    yield _agreeing(relation, one, other)


def _measured(world: World) -> dict[str, list[Entry]]:
    films = [film for film in world.films if film.title == film.name]
    return {
        "year": [(f.title, f.year, (f.id,), film_answers(f), str(f.year)) for f in films],
        "minutes": [
            (f.title, f.minutes, (f.id,), film_answers(f), str(f.minutes))
            for f in films
            if f.minutes
        ],
        "peak": [
            (c.name, int(metres), gold, (c.name, the(c.name)), f"{int(metres):,} metres")
            for c in world.countries.values()
            for metres in [c.facts.get("peak", "").partition("|")[2]]
            if metres and (gold := world.gold_country(c, "peak"))
        ],
        "birthday": [
            (n, found[0].birth_year, (found[0].id,), (n,), str(found[0].birth_year))
            for n, found in world.laureates.items()
            if found[0].birth_year
        ],
        "number": [(e.name, e.number, (e.id,), (e.name,), str(e.number)) for e in world.elements],
    }


def _compared(relation: str, one: Entry, other: Entry) -> Candidate:
    pair = sorted((one, other))
    more, form = pick(_MORE[relation], relation, pair[0][0], pair[1][0])
    first, second = shuffled(pair, relation, one[0])
    best = (max if more else min)(pair, key=lambda entry: entry[1])
    return _pair(
        group="comparison",
        relation=relation,
        entries=(first, second),
        text=form.format(a=_said(relation, first[0]), b=_said(relation, second[0])),
        answers=aliases([best[0], *best[3]]),
        more=more,
    )


def _agreeing(relation: str, one: Entry, other: Entry) -> Candidate:
    form = pick(_SAME[relation], relation, one[0], other[0])
    return _pair(
        group="yes_no",
        relation=relation,
        entries=(one, other),
        text=form.format(a=one[0], b=other[0]),
        answers=("yes" if one[1] == other[1] else "no",),
    )


def _pair(
    *,
    group: str,
    relation: str,
    entries: Sequence[Entry],
    text: str,
    answers: tuple[str, ...],
    more: bool = False,
) -> Candidate:
    names = tuple(entry[0] for entry in entries)
    return Candidate(
        family=f"{group} {relation}",
        group=group,
        start=" | ".join(sorted(names)),
        starts=names,
        text=text,
        answers=answers,
        relations=(relation, relation),
        entities=names,
        results=tuple(entry[4] for entry in entries),
        queries=tuple(QUERIES[relation].format(x=name) for name in names),
        gold=tuple(entry[2] for entry in entries),
        numbers=tuple(float(e[1]) for e in entries if isinstance(e[1], float | int)),
        more=more,
    )


def _said(relation: str, name: str) -> str:
    return the(name) if relation == "peak" else name.lower() if relation == "number" else name
