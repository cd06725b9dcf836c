"""The corpus: every passage with its id, title and kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from tools.atlas.country_prose import TOPICS, country_text, country_title
from tools.atlas.film_prose import film_text
from tools.atlas.person_prose import ROLES, Person, person_text
from tools.atlas.records import Film, Laureate, Sources
from tools.atlas.science_prose import element_text, laureate_text, prize, prize_text
from tools.atlas.wording import draw

SHORTEST, LONGEST = 40, 120
"""Words of a passage."""
_FEWEST = {"directors": 2, "writers": 4, "cast": 6}
"""Films in a role that earn a person a passage."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passage:
    """A document before it is stored."""

    id: str
    kind: str
    title: str
    text: str


def passages(sources: Sources) -> tuple[Passage, ...]:
    """All passages of a usable length, titles unique; a later one with a taken title is dropped."""
    kept: dict[str, Passage] = {}
    for passage in _all(sources):
        if SHORTEST <= len(passage.text.split()) <= LONGEST:
            kept.setdefault(passage.title.lower(), passage)
    return tuple(kept.values())


def people(films: tuple[Film, ...]) -> tuple[Person, ...]:
    """Everyone who made enough films, by name."""
    by_name: dict[str, dict[str, list[Film]]] = defaultdict(lambda: defaultdict(list))
    for film in sorted(films, key=lambda f: (f.year, f.id)):
        for role in ROLES:
            for name in getattr(film, role):
                by_name[name][role].append(film)
    return tuple(
        Person(
            id=f"person-{draw(name):012x}",
            name=name,
            films={role: tuple(found) for role, found in roles.items()},
        )
        for name, roles in sorted(by_name.items())
        if any(len(roles[role]) >= fewest for role, fewest in _FEWEST.items() if role in roles)
    )


def laureate_groups(sources: Sources) -> dict[str, list[Laureate]]:
    """Prizes by person."""
    groups: dict[str, list[Laureate]] = defaultdict(list)
    for one in sources.laureates:
        groups[one.name].append(one)
    return groups


def prize_groups(sources: Sources) -> dict[tuple[str, int], list[Laureate]]:
    """Winners by category and year, of prizes whose winners are all known."""
    groups: dict[tuple[str, int], list[Laureate]] = defaultdict(list)
    for one in sources.laureates:
        groups[one.category, one.year].append(one)
    return {key: found for key, found in groups.items() if len(found) == found[0].winners}


def _all(sources: Sources) -> Iterator[Passage]:
    for country in sources.countries:
        for topic in TOPICS:
            yield Passage(
                id=f"{country.id}-{topic}",
                kind="country",
                title=country_title(country, topic),
                text=country_text(country, topic),
            )
    for element in sources.elements:
        yield Passage(id=element.id, kind="element", title=element.name, text=element_text(element))
    for name, prizes in laureate_groups(sources).items():
        yield Passage(id=prizes[0].id, kind="laureate", title=name, text=laureate_text(prizes))
    for (category, year), winners in prize_groups(sources).items():
        yield Passage(
            id=f"prize-{category.lower()}-{year}",
            kind="prize",
            title=f"{year} {prize(category)}",
            text=prize_text(winners),
        )
    yield from _cinema(sources)


def _cinema(sources: Sources) -> Iterator[Passage]:
    elements = {element.name for element in sources.elements}
    for film in sources.films:
        title = f"{film.name} ({film.year} film)" if film.name in elements else film.title
        yield Passage(id=film.id, kind="film", title=title, text=film_text(film))
    laureates = {one.name for one in sources.laureates}
    titles = {film.title for film in sources.films}
    for person in people(sources.films):
        taken = person.name in laureates or person.name in titles
        title = f"{person.name} (film person)" if taken else person.name
        yield Passage(id=person.id, kind="person", title=title, text=person_text(person))
