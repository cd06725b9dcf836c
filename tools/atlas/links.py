"""Single look-ups that questions of several hops are put together from."""

from __future__ import annotations

from tools.atlas.chains import Link, Start, film_phrase
from tools.atlas.queries import QUERIES
from tools.atlas.records import Country, Element, Film
from tools.atlas.wording import shuffled, the
from tools.atlas.world import ROLE_OF, World

_TARGETS = 2
"""Other films per starting film and role."""
SOUGHT = {"director": "director", "writer": "screenplay", "studio": "production company"}
DONE = {"director": "directed", "writer": "written"}
"""Words of the gold queries."""


def from_film(film: Film, *key: object, dated: bool = True) -> Start:
    """A question that begins with a film."""
    phrase = film_phrase(film, *key, dated=dated)
    return Start(name=film.title, phrase=phrase, entity=("film", film.id))


def from_person(name: str) -> Start:
    """A question that begins with a person."""
    return Start(name=name, phrase=name, entity=("person", name))


def from_element(element: Element) -> Start:
    """A question that begins with an element."""
    phrase = f"the element {element.name.lower()}"
    return Start(name=element.name, phrase=phrase, entity=("element", element.name))


def from_value(value: str) -> Start:
    """A question that begins with a country's capital, anthem or the like."""
    return Start(name=value, phrase=value, entity=("text", value))


def other_films(world: World, film: Film, role: str) -> list[Film]:
    """Films that the single director, or writer, made in other years; some of them."""
    name = world.sole_maker(film, role)
    if not name:
        return []
    found = [other for other in world.made(role, name) if other.year != film.year]
    return shuffled(found, film.id, role)[:_TARGETS]


def first_link(world: World, film: Film, role: str) -> Link:
    """From a film to who directed, or wrote, it."""
    name = getattr(film, ROLE_OF[role])[0]
    gold = world.gold_film(film, role, name)
    return Link(relation=role, entity=film.title, result=name, gold=gold)


def second_link(world: World, film: Film, role: str, name: str) -> Link:
    """From a person to a film of theirs."""
    return Link(
        relation=f"film_by_{role}",
        entity=name,
        argument=str(film.year),
        result=film.name,
        gold=world.gold_film(film, role, name),
    )


def country_link(world: World, country: Country, fact: str) -> Link:
    """From a country to a fact about it."""
    value = country.facts[fact].partition("|")[0]
    gold = world.gold_country(country, fact)
    query = QUERIES[fact].format(x=the(country.name))
    return Link(relation=fact, entity=country.name, result=value, gold=gold, query=query)
