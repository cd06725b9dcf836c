"""Questions that lead by way of a year to who won a prize in it."""

from __future__ import annotations

from collections.abc import Iterator

from tools.atlas.candidate import Candidate
from tools.atlas.chains import Link, Start, chain
from tools.atlas.links import country_link
from tools.atlas.records import Laureate
from tools.atlas.science_prose import prize
from tools.atlas.wording import shuffled
from tools.atlas.world import World, fact_answers, laureate_answers

CATEGORIES = ("Literature", "Peace", "Physics", "Chemistry", "Medicine", "Economics")
_DESCRIBED = {"year": "winner_in_year_of_release", "prize_year": "winner_in_prize_year"}
_FAMILY = {"year": "film year winner", "prize_year": "laureate year winner"}
_WHICH = {"birthplace": "where", "birthday": "when"}


def winners(
    world: World, start: Start, first: Link, year: int, but: str = ""
) -> Iterator[Candidate]:
    """Who won a prize in the year that the first link finds, and where and when they were born.

    Args:
        world: what is asked about.
        start: a film or a laureate.
        first: the look-up of the year.
        year: what it finds.
        but: a category that is left out.
    """
    for category in shuffled(CATEGORIES, start.entity[1])[:3]:
        one = world.sole_winner(category, year)
        if one is not None and category != but:
            yield _winner(world, start, first, one)
            for asked, value in (("birthplace", one.city), ("birthday", one.born)):
                if value:
                    yield _life(world, start, first, one, asked, value)


def _winner(world: World, start: Start, first: Link, one: Laureate) -> Candidate:
    link = Link(
        relation="winner",
        entity=str(one.year),
        argument=prize(one.category),
        result=one.name,
        gold=world.gold_winner(one),
    )
    return chain(
        family=_FAMILY[first.relation],
        start=start,
        steps=[(first.relation, ""), ("winner", one.category)],
        links=[first, link],
        described=[(_DESCRIBED[first.relation], prize(one.category))],
        asked="person",
        answers=laureate_answers(one.name),
    )


def _life(
    world: World, start: Start, first: Link, one: Laureate, asked: str, value: str
) -> Candidate:
    year, name = one.year, prize(one.category)
    link = Link(
        relation=f"winner/{asked}",
        entity=str(year),
        result=value,
        gold=(world.laureates[one.name][0].id,),
        query=f"{_WHICH[asked]} was the winner of the {year} {name} born",
    )
    return chain(
        family=f"{_FAMILY[first.relation]} {asked}",
        start=start,
        steps=[(first.relation, ""), ("winner", one.category), (asked, "")],
        links=[first, link],
        described=[(_DESCRIBED[first.relation], name)],
        asked=asked,
        answers=(value,),
        bridges=(str(year), one.name),
    )


def winner_country(
    world: World, start: Start, first: Link, year: int, category: str
) -> Iterator[Candidate]:
    """A fact about the birth country of who won a prize in the year that the first link finds."""
    one = world.sole_winner(category, year)
    country = world.countries.get(one.country) if one else None
    if one is None or country is None:
        return
    middle = Link(
        relation="winner/birth_country",
        entity=str(year),
        result=country.name,
        gold=(world.laureates[one.name][0].id,),
        query=f"where was the winner of the {year} {prize(category)} born",
    )
    path = [(first.relation, ""), ("winner", category), ("birth_country", "")]
    for fact in world.facts_of(country):
        yield chain(
            family=f"{_FAMILY[first.relation]} country fact",
            start=start,
            steps=[*path, (fact, "")],
            links=[first, middle, country_link(world, country, fact)],
            described=[(_DESCRIBED[first.relation], prize(category)), ("birth_country", "")],
            asked=fact,
            answers=fact_answers(country, fact),
            bridges=(str(year), one.name, country.name),
        )
