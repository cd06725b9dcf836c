"""Questions that need three passages, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from tools.atlas.bridge import CATEGORIES, country_link, first_link, other_films, second_link
from tools.atlas.candidate import Candidate
from tools.atlas.chains import Link, chain, film_answers, film_phrase
from tools.atlas.records import Film, Laureate
from tools.atlas.science_prose import prize
from tools.atlas.wording import pick
from tools.atlas.world import ROLE_OF, World, fact_answers

_OTHER = {"director": "writer", "writer": "director"}
_SOUGHT = {"director": "director", "writer": "screenplay"}
_DONE = {"director": "directed", "writer": "written"}


def three_hops(world: World) -> Iterator[Candidate]:
    """All questions of three hops."""
    for film in world.films:
        for role in ROLE_OF:
            for other in other_films(world, film, role):
                yield from _country_of_other(world, film, role, other)
                yield from _maker_of_other(world, film, role, other)
        if film.title == film.name:
            first = Link(relation="year", entity=film.title, result=str(film.year), gold=(film.id,))
            phrase = film_phrase(film, dated=False)
            yield from _country_of_winner(world, film.year, first, film.id, phrase)
    for name, prizes in world.laureates.items():
        if len(prizes) == 1:
            yield from _from_laureate(world, name, prizes[0])


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
        query=f"country of the {year} film {_DONE[role]} by {start.result}",
    )
    for fact in world.facts_of(country):
        yield chain(
            family=f"film {role} film country fact",
            start=film.title,
            phrase=film_phrase(film, role, fact),
            origin=("film", film.id),
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
        query=f"{_SOUGHT[next_role]} of the {year} film {_DONE[role]} by {start.result}",
    )
    for last in other_films(world, other, next_role)[:1]:
        last_year, last_relation = str(last.year), f"film_by_{next_role}"
        if last.id != film.id:
            yield chain(
                family=f"film {role} film {next_role} film",
                start=film.title,
                phrase=film_phrase(film, role, last.id),
                origin=("film", film.id),
                steps=[(role, ""), (relation, year), (next_role, ""), (last_relation, last_year)],
                links=[start, middle, second_link(world, last, next_role, name)],
                described=[(relation, year), (last_relation, last_year)],
                asked="film",
                answers=film_answers(last),
                bridges=(start.result, other.name, name),
            )


def _from_laureate(world: World, name: str, one: Laureate) -> Iterator[Candidate]:
    first = Link(relation="prize_year", entity=name, result=str(one.year), gold=(one.id,))
    for category in CATEGORIES:
        if category != one.category:
            yield from _winner_country(world, one.year, first, name, name, category)


def _country_of_winner(
    world: World, year: int, first: Link, key: str, phrase: str
) -> Iterator[Candidate]:
    category = pick(CATEGORIES, key, "three")
    yield from _winner_country(world, year, first, key, phrase, category)


def _winner_country(
    world: World, year: int, first: Link, key: str, phrase: str, category: str
) -> Iterator[Candidate]:
    """A fact about the birth country of who won a prize in the year that the first link finds."""
    one = world.sole_winner(category, year)
    country = world.countries.get(one.country) if one else None
    if one is None or country is None:
        return
    laureate = first.relation == "prize_year"
    middle = Link(
        relation="winner/birth_country",
        entity=str(year),
        result=country.name,
        gold=(world.laureates[one.name][0].id,),
        query=f"where was the winner of the {year} {prize(category)} born",
    )
    described = "winner_in_prize_year" if laureate else "winner_in_year_of_release"
    for fact in world.facts_of(country):
        yield chain(
            family=f"{'laureate' if laureate else 'film'} year winner country fact",
            start=first.entity,
            phrase=phrase,
            origin=("person" if laureate else "film", key),
            steps=[
                (first.relation, ""),
                ("winner", category),
                ("birth_country", ""),
                (fact, ""),
            ],
            links=[first, middle, country_link(world, country, fact)],
            described=[(described, prize(category)), ("birth_country", "")],
            asked=fact,
            answers=fact_answers(country, fact),
            bridges=(str(year), one.name, country.name),
        )
