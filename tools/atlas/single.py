"""Questions that one passage answers."""

from __future__ import annotations

from collections.abc import Iterator

from tools.atlas.candidate import Candidate
from tools.atlas.chains import Link, Start, chain, film_answers, film_phrase
from tools.atlas.question_words import ASKED
from tools.atlas.records import Film, Laureate
from tools.atlas.science_prose import prize
from tools.atlas.wording import the
from tools.atlas.world import ROLE_OF, World, fact_answers, laureate_answers


def single(world: World) -> Iterator[Candidate]:
    """All questions of one hop."""
    for film in world.films:
        yield from _film(world, film)
    yield from _films_of_people(world)
    yield from _countries(world)
    for prizes in world.laureates.values():
        yield from _laureate(prizes)
    yield from _prizes(world)
    yield from _elements(world)


def _film(world: World, film: Film) -> Iterator[Candidate]:
    known = {
        "director": film.directors,
        "writer": tuple(filter(None, [world.sole_maker(film, "writer")])),
        "studio": film.studios,
        "year": (str(film.year),) if film.title == film.name else (),
    }
    for relation, values in known.items():
        if len(values) == 1:
            gold = world.gold_film(film, relation, values[0]) if relation in ROLE_OF else (film.id,)
            yield chain(
                family=f"film {relation}",
                start=Start(
                    name=film.title,
                    phrase=film_phrase(film, relation, dated=relation != "year"),
                    entity=("film", film.id),
                ),
                steps=[(relation, "")],
                links=[Link(relation=relation, entity=film.title, result=values[0], gold=gold)],
                asked=relation,
                answers=values,
            )


def _films_of_people(world: World) -> Iterator[Candidate]:
    for film in world.films:
        for role, plural in ROLE_OF.items():
            for name in world.makers(film, role)[:1]:
                relation = f"film_by_{role}"
                link = Link(
                    relation=relation,
                    entity=name,
                    argument=str(film.year),
                    result=film.name,
                    gold=world.gold_film(film, role, name),
                )
                yield chain(
                    family=f"person {relation}",
                    start=Start(name=name, phrase=name, entity=("person", name)),
                    steps=[(relation, str(film.year))],
                    links=[link],
                    described=[(f"film_of_person_{plural}", str(film.year))],
                    asked="film",
                    answers=film_answers(film),
                )


def _countries(world: World) -> Iterator[Candidate]:
    for country in world.countries.values():
        for fact in world.facts_of(country):
            value = country.facts[fact].partition("|")[0]
            gold = world.gold_country(country, fact)
            yield chain(
                family="country fact",
                start=Start(
                    name=country.name, phrase=the(country.name), entity=("country", country.name)
                ),
                steps=[(fact, "")],
                links=[Link(relation=fact, entity=country.name, result=value, gold=gold)],
                asked=fact,
                answers=fact_answers(country, fact),
            )
            relation = f"country_by_{fact}"
            if fact in ("capital", "peak", "anthem", "currency"):
                yield chain(
                    family="country by fact",
                    start=Start(name=value, phrase=value, entity=("text", value)),
                    steps=[(relation, "")],
                    links=[Link(relation=relation, entity=value, result=country.name, gold=gold)],
                    described=[(relation, "")],
                    asked="country",
                    answers=(country.name, the(country.name), country.formal),
                )


def _laureate(prizes: list[Laureate]) -> Iterator[Candidate]:
    one = prizes[0]
    known = {
        "birthplace": one.city,
        "birthday": one.born,
        "affiliation": one.affiliation,
        "prize_year": str(one.year) if len(prizes) == 1 else "",
    }
    for relation, value in known.items():
        if value and relation in ASKED:
            yield chain(
                family=f"laureate {relation}",
                start=Start(name=one.name, phrase=one.name, entity=("person", one.name)),
                steps=[(relation, "")],
                links=[Link(relation=relation, entity=one.name, result=value, gold=(one.id,))],
                asked=relation,
                answers=(value,),
            )


def _prizes(world: World) -> Iterator[Candidate]:
    for category, year in world.prizes:
        if one := world.sole_winner(category, year):
            link = Link(
                relation="winner",
                entity=str(year),
                argument=prize(category),
                result=one.name,
                gold=world.gold_winner(one),
            )
            yield chain(
                family="prize winner",
                start=Start(
                    name=f"{year} {prize(category)}", phrase=str(year), entity=("year", str(year))
                ),
                steps=[("winner", category)],
                links=[link],
                described=[("winner", prize(category))],
                asked="person",
                answers=laureate_answers(one.name),
            )


def _elements(world: World) -> Iterator[Candidate]:
    for element in world.elements:
        found = {
            "discoverer": element.discoverers if element.year else (),
            "discovery_year": (str(element.year),) if element.year else (),
        }
        for relation, values in found.items():
            if len(values) == 1:
                link = Link(
                    relation=relation, entity=element.name, result=values[0], gold=(element.id,)
                )
                yield chain(
                    family=f"element {relation}",
                    start=Start(
                        name=element.name,
                        phrase=f"the element {element.name.lower()}",
                        entity=("element", element.name),
                    ),
                    steps=[(relation, "")],
                    links=[link],
                    asked=relation,
                    answers=values,
                )
