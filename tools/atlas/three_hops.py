"""Questions that need three passages, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from tools.atlas.candidate import Candidate
from tools.atlas.chains import Link, chain, film_answers
from tools.atlas.links import (
    DONE,
    SOUGHT,
    country_link,
    first_link,
    from_film,
    from_person,
    other_films,
    second_link,
)
from tools.atlas.records import Film, Laureate
from tools.atlas.winners import CATEGORIES, winner_country
from tools.atlas.wording import pick
from tools.atlas.world import ROLE_OF, World, fact_answers

_OTHER = {"director": "writer", "writer": "director"}


def three_hops(world: World) -> Iterator[Candidate]:
    """All questions of three hops."""
    for film in world.films:
        for role in ROLE_OF:
            for other in other_films(world, film, role):
                yield from _country_of_other(world, film, role, other)
                yield from _maker_of_other(world, film, role, other)
        if film.title == film.name:
            link = Link(relation="year", entity=film.title, result=str(film.year), gold=(film.id,))
            category = pick(CATEGORIES, film.id, "three")
            start = from_film(film, dated=False)
            yield from winner_country(world, start, link, film.year, category)
    for prizes in world.laureates.values():
        if len(prizes) == 1:
            yield from _from_laureate(world, prizes[0])


def _country_of_other(world: World, film: Film, role: str, other: Film) -> Iterator[Candidate]:
    country = world.home(other)
    if country is None:
        return
    start = first_link(world, film, role)
    year, relation = str(other.year), f"film_by_{role}"
    middle = Link(
        relation=f"{relation}/country",
        entity=start.result,
        result=country.name,
        gold=(other.id,),
        query=f"country of the {year} film {DONE[role]} by {start.result}",
    )
    for fact in world.facts_of(country):
        yield chain(
            family=f"film {role} film country fact",
            start=from_film(film, role, fact),
            steps=[(role, ""), (relation, year), ("country", ""), (fact, "")],
            links=[start, middle, country_link(world, country, fact)],
            described=[(relation, year), ("country", "")],
            asked=fact,
            answers=fact_answers(country, fact),
            bridges=(start.result, other.name, country.name),
        )


def _maker_of_other(world: World, film: Film, role: str, other: Film) -> Iterator[Candidate]:
    """By way of who filled the other role in the other film, to a third film."""
    start, next_role = first_link(world, film, role), _OTHER[role]
    name = world.sole_maker(other, next_role)
    if not name or name == start.result:
        return
    year, relation = str(other.year), f"film_by_{role}"
    middle = Link(
        relation=f"{relation}/{next_role}",
        entity=start.result,
        result=name,
        gold=(other.id,),
        query=f"{SOUGHT[next_role]} of the {year} film {DONE[role]} by {start.result}",
    )
    for last in other_films(world, other, next_role)[:1]:
        last_year, last_relation = str(last.year), f"film_by_{next_role}"
        if last.id != film.id:
            yield chain(
                family=f"film {role} film {next_role} film",
                start=from_film(film, role, last.id),
                steps=[(role, ""), (relation, year), (next_role, ""), (last_relation, last_year)],
                links=[start, middle, second_link(world, last, next_role, name)],
                described=[(relation, year), (last_relation, last_year)],
                asked="film",
                answers=film_answers(last),
                bridges=(start.result, other.name, name),
            )


def _from_laureate(world: World, one: Laureate) -> Iterator[Candidate]:
    first = Link(relation="prize_year", entity=one.name, result=str(one.year), gold=(one.id,))
    for category in CATEGORIES:
        if category != one.category:
            start = from_person(one.name)
            yield from winner_country(world, start, first, one.year, category)
