"""Questions whose answer needs a second passage, found by way of a first."""

from __future__ import annotations

from collections.abc import Iterator

from tools.atlas.candidate import Candidate
from tools.atlas.chains import Link, chain, film_answers, film_phrase
from tools.atlas.question_words import QUERIES
from tools.atlas.records import Country, Film, Laureate
from tools.atlas.science_prose import prize
from tools.atlas.wording import shuffled, the
from tools.atlas.world import ROLE_OF, World, fact_answers, laureate_answers

_TARGETS = 2
"""Other films per starting film and role."""
CATEGORIES = ("Literature", "Peace", "Physics", "Chemistry", "Medicine", "Economics")

_WHICH = {"birthplace": "where", "birthday": "when"}
_SOUGHT = {"director": "director", "writer": "screenplay", "studio": "production company"}
_DONE = {"director": "directed", "writer": "written"}


def bridge(world: World) -> Iterator[Candidate]:
    """All questions of two hops."""
    for film in world.films:
        yield from _other_films(world, film)
        yield from _home(world, film)
        yield from _winners(world, film)
    for prizes in world.laureates.values():
        yield from _laureate(world, prizes[0], sole=len(prizes) == 1)
    yield from _elements(world)
    yield from _countries(world)


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


def _other_films(world: World, film: Film) -> Iterator[Candidate]:
    for role in ROLE_OF:
        for other in other_films(world, film, role):
            name = getattr(film, ROLE_OF[role])[0]
            year, relation = str(other.year), f"film_by_{role}"
            start = first_link(world, film, role)
            steps = [(role, ""), (relation, year)]
            yield chain(
                family=f"film {role} film",
                start=film.title,
                phrase=film_phrase(film, role),
                origin=("film", film.id),
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
                query=f"{_SOUGHT[asked]} of the {year} film {_DONE[role]} by {name}",
            )
            yield chain(
                family=f"film {role} film {asked}",
                start=film.title,
                phrase=film_phrase(film, role, asked),
                origin=("film", film.id),
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
                start=film.title,
                phrase=film_phrase(film, fact),
                origin=("film", film.id),
                steps=[("country", ""), (fact, "")],
                links=[first, country_link(world, country, fact)],
                described=[("country", "")],
                asked=fact,
                answers=fact_answers(country, fact),
            )


def _winners(world: World, film: Film) -> Iterator[Candidate]:
    if film.title != film.name:
        return
    first = Link(relation="year", entity=film.title, result=str(film.year), gold=(film.id,))
    yield from _prizes_of(world, film.year, first, film.id, film_phrase(film, dated=False))


def _prizes_of(
    world: World, year: int, first: Link, key: str, phrase: str, but: str = ""
) -> Iterator[Candidate]:
    """Who won another prize in the year that the first link finds."""
    laureate = first.relation == "prize_year"
    described = "winner_in_prize_year" if laureate else "winner_in_year_of_release"
    for category in shuffled(CATEGORIES, key)[:3]:
        one = world.sole_winner(category, year)
        if one is None or category == but:
            continue
        winner = Link(
            relation="winner",
            entity=str(year),
            argument=prize(category),
            result=one.name,
            gold=world.gold_winner(one),
        )
        steps = [(first.relation, ""), ("winner", category)]
        common = {
            "start": first.entity,
            "phrase": phrase,
            "origin": ("person" if laureate else "film", key),
            "described": [(described, prize(category))],
        }
        family = f"{'laureate' if laureate else 'film'} year winner"
        yield chain(
            family=family,
            steps=steps,
            links=[first, winner],
            asked="person",
            answers=laureate_answers(one.name),
            **common,
        )
        for asked, value in (("birthplace", one.city), ("birthday", one.born)):
            if value:
                link = Link(
                    relation=f"winner/{asked}",
                    entity=str(year),
                    result=value,
                    gold=(world.laureates[one.name][0].id,),
                    query=f"{_WHICH[asked]} was the winner of the {year} {prize(category)} born",
                )
                yield chain(
                    family=f"{family} {asked}",
                    steps=[*steps, (asked, "")],
                    links=[first, link],
                    asked=asked,
                    answers=(value,),
                    bridges=(str(year), one.name),
                    **common,
                )


def _laureate(world: World, one: Laureate, *, sole: bool) -> Iterator[Candidate]:
    country = world.countries.get(one.country)
    if country is not None:
        first = Link(relation="birth_country", entity=one.name, result=country.name, gold=(one.id,))
        for fact in world.facts_of(country):
            yield chain(
                family="laureate country fact",
                start=one.name,
                phrase=one.name,
                origin=("person", one.name),
                steps=[("birth_country", ""), (fact, "")],
                links=[first, country_link(world, country, fact)],
                described=[("birth_country", "")],
                asked=fact,
                answers=fact_answers(country, fact),
            )
    if sole:
        link = Link(relation="prize_year", entity=one.name, result=str(one.year), gold=(one.id,))
        yield from _prizes_of(world, one.year, link, one.name, one.name, one.category)


def _elements(world: World) -> Iterator[Candidate]:
    for element in world.elements:
        common = {
            "start": element.name,
            "phrase": f"the element {element.name.lower()}",
            "origin": ("element", element.name),
        }
        if country := world.countries.get(element.country):
            first = Link(
                relation="discovery_country",
                entity=element.name,
                result=country.name,
                gold=(element.id,),
            )
            for fact in world.facts_of(country):
                yield chain(
                    family="element country fact",
                    steps=[("discovery_country", ""), (fact, "")],
                    links=[first, country_link(world, country, fact)],
                    described=[("discovery_country", "")],
                    asked=fact,
                    answers=fact_answers(country, fact),
                    **common,
                )
        for name in element.discoverers if len(element.discoverers) == 1 else ():
            for one in world.laureates.get(name, ())[:1]:
                found = Link(
                    relation="discoverer", entity=element.name, result=name, gold=(element.id,)
                )
                for asked, value in _life(one):
                    if value:
                        last = Link(relation=asked, entity=name, result=value, gold=(one.id,))
                        yield chain(
                            family="element discoverer fact",
                            steps=[("discoverer", ""), (asked, "")],
                            links=[found, last],
                            described=[("discoverer", "")],
                            asked=asked,
                            answers=(value,),
                            **common,
                        )


def _life(one: Laureate) -> tuple[tuple[str, str], ...]:
    return (("birthplace", one.city), ("birthday", one.born), ("prize_year", str(one.year)))


def _countries(world: World) -> Iterator[Candidate]:
    for country in world.countries.values():
        facts = world.facts_of(country)
        for known in facts:
            if known not in ("capital", "peak", "anthem", "currency"):
                continue
            value = country.facts[known].partition("|")[0]
            relation = f"country_by_{known}"
            first = Link(
                relation=relation,
                entity=value,
                result=country.name,
                gold=world.gold_country(country, known),
            )
            for fact in facts:
                link = country_link(world, country, fact)
                if link.gold != first.gold:
                    yield chain(
                        family="country fact fact",
                        start=value,
                        phrase=value,
                        origin=("text", value),
                        steps=[(relation, ""), (fact, "")],
                        links=[first, link],
                        described=[(relation, "")],
                        asked=fact,
                        answers=fact_answers(country, fact),
                    )
