"""Questions whose answer needs a second passage, found by way of a first."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from tools.atlas.candidate import Candidate
from tools.atlas.chains import Link, Start, chain
from tools.atlas.film_bridge import film_bridge
from tools.atlas.links import country_link, from_element, from_film, from_person, from_value
from tools.atlas.records import Country, Element, Laureate
from tools.atlas.winners import winners
from tools.atlas.world import World, fact_answers

KNOWN = ("capital", "peak", "anthem", "currency")
"""Facts by which a question names a country."""


def bridge(world: World) -> Iterator[Candidate]:
    """All questions of two hops."""
    for film in world.films:
        yield from film_bridge(world, film)
        if film.title == film.name:
            link = Link(relation="year", entity=film.title, result=str(film.year), gold=(film.id,))
            yield from winners(world, from_film(film, dated=False), link, film.year)
    for prizes in world.laureates.values():
        yield from _laureate(world, prizes)
    for element in world.elements:
        yield from _element(world, element)
    for country in world.countries.values():
        yield from _country(world, country)


def country_facts(
    world: World,
    family: str,
    start: Start,
    first: Link,
    country: Country,
    facts: Sequence[str],
) -> Iterator[Candidate]:
    """Facts about the country that the first link finds."""
    for fact in facts:
        yield chain(
            family=family,
            start=start,
            steps=[(first.relation, ""), (fact, "")],
            links=[first, country_link(world, country, fact)],
            described=[(first.relation, "")],
            asked=fact,
            answers=fact_answers(country, fact),
        )


def _laureate(world: World, prizes: Sequence[Laureate]) -> Iterator[Candidate]:
    one, start = prizes[0], from_person(prizes[0].name)
    if country := world.countries.get(one.country):
        first = Link(relation="birth_country", entity=one.name, result=country.name, gold=(one.id,))
        facts = world.facts_of(country)
        yield from country_facts(world, "laureate country fact", start, first, country, facts)
    if len(prizes) == 1:
        first = Link(relation="prize_year", entity=one.name, result=str(one.year), gold=(one.id,))
        yield from winners(world, start, first, one.year, but=one.category)


def _element(world: World, element: Element) -> Iterator[Candidate]:
    gold = (element.id,)
    start = from_element(element)
    if country := world.countries.get(element.country):
        first = Link(
            relation="discovery_country", entity=element.name, result=country.name, gold=gold
        )
        facts = world.facts_of(country)
        yield from country_facts(world, "element country fact", start, first, country, facts)
    if len(element.discoverers) == 1:
        name = element.discoverers[0]
        first = Link(relation="discoverer", entity=element.name, result=name, gold=gold)
        for one in world.laureates.get(name, ())[:1]:
            yield from _discoverer(start, first, one)


def _discoverer(start: Start, first: Link, one: Laureate) -> Iterator[Candidate]:
    for asked, value in (
        ("birthplace", one.city),
        ("birthday", one.born),
        ("prize_year", str(one.year)),
    ):
        if value:
            last = Link(relation=asked, entity=one.name, result=value, gold=(one.id,))
            yield chain(
                family="element discoverer fact",
                start=start,
                steps=[("discoverer", ""), (asked, "")],
                links=[first, last],
                described=[("discoverer", "")],
                asked=asked,
                answers=(value,),
            )


def _country(world: World, country: Country) -> Iterator[Candidate]:
    facts = world.facts_of(country)
    for known in KNOWN:
        if known in facts:
            value = country.facts[known].partition("|")[0]
            gold = world.gold_country(country, known)
            first = Link(
                relation=f"country_by_{known}", entity=value, result=country.name, gold=gold
            )
            others = [fact for fact in facts if world.gold_country(country, fact) != gold]
            start = from_value(value)
            yield from country_facts(world, "country fact fact", start, first, country, others)
