"""The facts as relations between entities, followed by brute force to check an answer.

An entity is a pair of kind and name: `("film", id)`, `("person", name)`, `("country", name)`,
`("element", name)`, `("year", "1979")` or `("text", value)` for whatever has no passage.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from tools.atlas.records import Country, Element, Film, Laureate, Sources

Entity = tuple[str, str]
Step = tuple[str, str]
"""A relation and its argument, such as a year or a category; the argument may be empty."""

COUNTRY_FACTS = (
    "capital",
    "peak",
    "currency",
    "anthem",
    "legislature",
    "city",
    "independence",
    "emblem",
)
"""What can be asked about a country: each has one value."""


class Facts:
    """All statements of the sources: (entity, relation, argument) to entities."""

    def __init__(self, sources: Sources) -> None:
        """State everything that the sources say, also what no passage tells."""
        self._objects: dict[tuple[Entity, Step], set[Entity]] = defaultdict(set)
        for film in sources.films:
            self._state_film(film)
        for country in sources.countries:
            self._state_country(country)
        for laureate in sources.laureates:
            self._state_laureate(laureate)
        for element in sources.elements:
            self._state_element(element)

    def follow(self, start: Entity, steps: Sequence[Step]) -> set[Entity]:
        """Everything that the steps lead to, one after the other."""
        reached = {start}
        for step in steps:
            reached = {end for one in reached for end in self._objects.get((one, step), ())}
        return reached

    def _state(self, subject: Entity, step: Step, objects: Iterable[Entity]) -> None:
        self._objects[subject, step].update(objects)

    def _state_film(self, film: Film) -> None:
        it, year = ("film", film.id), str(film.year)
        for relation, inverse, names in (
            ("director", "film_by_director", film.directors),
            ("writer", "film_by_writer", film.writers),
        ):
            people = [("person", name) for name in names]
            self._state(it, (relation, ""), people)
            for person in people:
                self._state(person, (inverse, year), [it])
        self._state(it, ("studio", ""), [("text", name) for name in film.studios])
        self._state(it, ("country", ""), [("country", name) for name in film.countries])
        self._state(it, ("year", ""), [("year", year)])

    def _state_country(self, country: Country) -> None:
        it = ("country", country.name)
        for relation in COUNTRY_FACTS:
            if value := country.facts.get(relation, "").partition("|")[0]:
                self._state(it, (relation, ""), [("text", value)])
                self._state(("text", value), (f"country_by_{relation}", ""), [it])

    def _state_laureate(self, one: Laureate) -> None:
        it, year = ("person", one.name), ("year", str(one.year))
        for relation, value in (
            ("birthplace", one.city),
            ("birthday", one.born),
            ("affiliation", one.affiliation),
        ):
            if value:
                self._state(it, (relation, ""), [("text", value)])
        self._state(it, ("birth_country", ""), [("country", one.country)])
        self._state(it, ("prize_year", ""), [year])
        self._state(year, ("winner", one.category), [it])

    def _state_element(self, element: Element) -> None:
        it = ("element", element.name)
        self._state(it, ("discoverer", ""), [("person", n) for n in element.discoverers])
        if element.year:
            self._state(it, ("discovery_year", ""), [("year", str(element.year))])
        if element.country:
            self._state(it, ("discovery_country", ""), [("country", element.country)])
