"""Builds questions that lead from one entity to another, link by link."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.atlas.candidate import Candidate
from tools.atlas.facts import Entity, Step
from tools.atlas.queries import QUERIES
from tools.atlas.question_words import ASKED, DESCRIBED
from tools.atlas.records import Film
from tools.atlas.wording import draw, pick


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """Where a question begins."""

    name: str
    """Title of the passage, or the value, that a searcher begins with."""
    phrase: str
    """How the question says it."""
    entity: Entity


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One look-up: what is searched, what is found and where."""

    relation: str
    entity: str
    result: str
    gold: tuple[str, ...]
    argument: str = ""
    query: str = ""
    """Default: the relation's query."""

    @property
    def sought(self) -> str:
        """The gold query."""
        return self.query or QUERIES[self.relation].format(x=self.entity, a=self.argument)


_DATE = re.compile(r"(\d{1,2}) ([A-Z][a-z]+) (\d{4})")

Described = tuple[str, str]
"""A key of `DESCRIBED` and its argument."""


def chain(
    *,
    family: str,
    start: Start,
    steps: Sequence[Step],
    links: Sequence[Link],
    described: Sequence[Described] = (),
    asked: str,
    answers: Sequence[str],
    bridges: Sequence[str] | None = None,
) -> Candidate:
    """A candidate from its links; without `bridges`, all results but the last are kept back."""
    key = (family, *(str(step) for step in steps), *start.entity, *(link.gold for link in links))
    text = start.phrase
    for place, (relation, argument) in enumerate(described):
        text = pick(DESCRIBED[relation], *key, place).format(x=text, a=argument)
    group = "single" if len(links) == 1 else f"bridge{len(links)}"
    return Candidate(
        family=family,
        group=group,
        start=start.name,
        starts=(start.name,),
        text=_sentence(pick(ASKED[asked], *key, "asked").format(x=text)),
        answers=aliases(answers),
        relations=tuple(link.relation for link in links),
        entities=tuple(link.entity for link in links),
        results=tuple(link.result for link in links),
        queries=tuple(link.sought for link in links),
        gold=tuple(link.gold for link in links),
        bridges=tuple(bridges if bridges is not None else [link.result for link in links[:-1]]),
        origin=start.entity,
        steps=tuple(steps),
    )


def aliases(answers: Iterable[str]) -> tuple[str, ...]:
    """The answers, and each without accents, in order and once.

    >>> aliases(["José Ferrer"])
    ('José Ferrer', 'Jose Ferrer')
    """
    told = [a for a in answers if a]
    told += [f"{m[2]} {m[1]}, {m[3]}" for a in told if (m := _DATE.fullmatch(a))]
    return tuple(dict.fromkeys([*told, *map(_plain, told)]))


def film_phrase(film: Film, *key: object, dated: bool = True) -> str:
    """How a question names a film: with its year where it is needed, else now and then."""
    if film.title != film.name or (dated and draw(film.id, *key) % 3 == 0):
        return f"the {film.year} film {film.name}"
    return f"the film {film.name}"


def film_answers(film: Film) -> tuple[str, ...]:
    """A film's name, then its title and its name with the year."""
    return (film.name, film.title, f"{film.name} ({film.year})")


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFD", text)
    return "".join(c for c in parts if not unicodedata.combining(c))


def _sentence(text: str) -> str:
    """The question with a capital and one mark at its end, whatever a title ends in."""
    text = re.sub(r"(?<=[^.])\.\.$", ".", text[0].upper() + text[1:])
    return re.sub(r"(?<=[!?])\.$|(?<=\?)\?$", "", text)
