"""The sources arranged for making questions: who made what, and which passages say so."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence

from tools.atlas.facts import COUNTRY_FACTS
from tools.atlas.film_prose import co_writers
from tools.atlas.passages import Passage, people, prize_groups
from tools.atlas.person_prose import Person, told_films
from tools.atlas.records import Country, Element, Film, Laureate, Sources

ROLE_OF = {"director": "directors", "writer": "writers"}
_TOPIC = {
    "capital": "government",
    "legislature": "government",
    "independence": "government",
    "peak": "geography",
    "currency": "economy",
    "anthem": "symbols",
    "city": "symbols",
    "emblem": "symbols",
}
"""The passage that tells a fact."""

_ALIKE = 2
"""Countries that may share a fact which is asked about: "Parliament" is guessed, not found."""


class World:
    """Lookups over the sources, restricted to what has a passage."""

    def __init__(self, sources: Sources, passages: Sequence[Passage]) -> None:
        """Arrange the records whose passage is in the corpus."""
        self.ids = {passage.id for passage in passages}
        self.films = [film for film in sources.films if film.id in self.ids]
        self.countries = {country.name: country for country in sources.countries}
        self.elements = [one for one in sources.elements if one.id in self.ids]
        self.prizes = prize_groups(sources)
        groups: dict[str, list[Laureate]] = defaultdict(list)
        for one in sources.laureates:
            groups[one.name].append(one)
        self.laureates = {n: found for n, found in groups.items() if found[0].id in self.ids}
        self._people = {p.name: p for p in people(sources.films) if p.id in self.ids}
        self._shared = Counter(
            (fact, value) for c in sources.countries for fact, value in c.facts.items()
        )
        self._made: dict[tuple[str, str], list[Film]] = defaultdict(list)
        for film in self.films:
            for role in ROLE_OF:
                for name in self.makers(film, role):
                    self._made[role, name].append(film)

    def makers(self, film: Film, role: str) -> tuple[str, ...]:
        """Who is named in the film's passage as its director, or writer."""
        return film.directors if role == "director" else co_writers(film)

    def sole_maker(self, film: Film, role: str) -> str:
        """The one director, or writer, if there is only one and the passage names them as such."""
        names = self.makers(film, role)
        return names[0] if len(getattr(film, ROLE_OF[role])) == len(names) == 1 else ""

    def made(self, role: str, name: str) -> list[Film]:
        """Films that a person directed, or wrote."""
        return self._made[role, name]

    def gold_film(self, film: Film, role: str, name: str) -> tuple[str, ...]:
        """Passages that say who directed, or wrote, a film, and when it came out."""
        person: Person | None = self._people.get(name)
        told = person is not None and film in told_films(person, ROLE_OF[role])
        return (film.id, person.id) if told and person else (film.id,)

    def gold_country(self, country: Country, fact: str) -> tuple[str, ...]:
        """The passage that tells a fact about a country, if it is in the corpus."""
        document = f"{country.id}-{_TOPIC[fact]}"
        return (document,) if document in self.ids else ()

    def gold_winner(self, one: Laureate) -> tuple[str, ...]:
        """Passages that say who won a prize."""
        document = f"prize-{one.category.lower()}-{one.year}"
        both = (self.laureates[one.name][0].id, document)
        return tuple(found for found in both if found in self.ids)

    def home(self, film: Film) -> Country | None:
        """A film's country, if it is a single one with passages."""
        return self.countries.get(film.countries[0]) if len(film.countries) == 1 else None

    def facts_of(self, country: Country) -> list[str]:
        """What can be asked about a country."""
        return [
            fact
            for fact in COUNTRY_FACTS
            if country.facts.get(fact)
            and self.gold_country(country, fact)
            and self._shared[fact, country.facts[fact]] <= _ALIKE
            and not (fact == "emblem" and "," in country.facts[fact])
        ]

    def sole_winner(self, category: str, year: int) -> Laureate | None:
        """The winner of a prize that was not shared and who won no other."""
        winners = self.prizes.get((category, year), [])
        if len(winners) != 1 or len(self.laureates.get(winners[0].name, ())) != 1:
            return None
        return winners[0]

    def dated_elements(self) -> list[Element]:
        """Elements whose discovery is told with its year."""
        return [element for element in self.elements if element.year]


def laureate_answers(name: str) -> tuple[str, ...]:
    """A laureate's name, also without title and middle names.

    >>> laureate_answers("Sir Frederick Grant Banting")
    ('Sir Frederick Grant Banting', 'Frederick Grant Banting', 'Frederick Banting')
    """
    plain = name.removeprefix("Sir ").removeprefix("Lord ")
    words = plain.split()
    short = f"{words[0]} {words[-1]}" if all(word[0].isupper() for word in words) else plain
    return tuple(dict.fromkeys((name, plain, short)))


def fact_answers(country: Country, fact: str) -> tuple[str, ...]:
    """A country's fact as an answer, with other ways to say it."""
    value = country.facts[fact].partition("|")[0]
    if fact == "currency" and value.endswith("s"):
        last = value.split()[-1]
        return (value, value[:-1], last, last[:-1])
    if fact == "peak" and " on " in value:
        return (value, value.split(" on ")[0])
    return (value,)
