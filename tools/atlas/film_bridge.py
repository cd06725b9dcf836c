"""Questions of two hops that begin with a film."""

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
    other_films,
    second_link,
)
from tools.atlas.records import Film
from tools.atlas.world import ROLE_OF, World, fact_answers


def film_bridge(world: World, film: Film) -> Iterator[Candidate]:
    """To other films by the same people, and to facts about the film's country."""
    yield from _other_films(world, film)
    yield from _home(world, film)


def _other_films(world: World, film: Film) -> Iterator[Candidate]:
    for role in ROLE_OF:
        for other in other_films(world, film, role):
            name = getattr(film, ROLE_OF[role])[0]
            year, relation = str(other.year), f"film_by_{role}"
            start = first_link(world, film, role)
            steps = [(role, ""), (relation, year)]
            yield chain(
                family=f"film {role} film",
                start=from_film(film, role),
                steps=steps,
                links=[start, second_link(world, other, role, name)],
                described=[(relation, year)],
                asked="film",
                answers=film_answers(other),
            )
            yield from _about(world, film, role, other)


def _about(world: World, film: Film, role: str, other: Film) -> Iterator[Candidate]:
    """Who made the other film in another role, or which studio: told in that film's passage."""
    name = getattr(film, ROLE_OF[role])[0]
    year, relation = str(other.year), f"film_by_{role}"
    for asked, values in (
        ("director", (world.sole_maker(other, "director"),)),
        ("writer", (world.sole_maker(other, "writer"),)),
        ("studio", other.studios),
    ):
        if len(values) == 1 and values[0] and asked != role and values[0] != name:
            link = Link(
                relation=f"{relation}/{asked}",
                entity=name,
                result=values[0],
                gold=(other.id,),
                query=f"{SOUGHT[asked]} of the {year} film {DONE[role]} by {name}",
            )
            yield chain(
                family=f"film {role} film {asked}",
                start=from_film(film, role, asked),
                steps=[(role, ""), (relation, year), (asked, "")],
                links=[first_link(world, film, role), link],
                described=[(relation, year)],
                asked=asked,
                answers=values,
                bridges=(name, other.name),
            )


def _home(world: World, film: Film) -> Iterator[Candidate]:
    if country := world.home(film):
        first = Link(relation="country", entity=film.title, result=country.name, gold=(film.id,))
        for fact in world.facts_of(country):
            yield chain(
                family="film country fact",
                start=from_film(film, fact),
                steps=[("country", ""), (fact, "")],
                links=[first, country_link(world, country, fact)],
                described=[("country", "")],
                asked=fact,
                answers=fact_answers(country, fact),
            )
