"""What the builder knows: films, countries, laureates, elements, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Film:
    """A film that has a unique title; fields are empty or 0 where the source does not say."""

    id: str
    name: str
    """As a viewer would say it."""
    title: str
    """The name, with its year in brackets where several films share it."""
    year: int
    minutes: int = 0
    genres: tuple[str, ...] = ()
    directors: tuple[str, ...] = ()
    writers: tuple[str, ...] = ()
    cast: tuple[str, ...] = ()
    languages: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    studios: tuple[str, ...] = ()
    oscars: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Country:
    """A country or territory; `facts` maps a relation to its value as text."""

    id: str
    name: str
    formal: str = ""
    facts: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Laureate:
    """A person and one prize; who won twice has two records."""

    id: str
    name: str
    category: str
    """As in "Nobel Prize in …"; `Peace` stands for the Nobel Peace Prize."""
    year: int
    born: str = ""
    """Day, month and year; empty where the source is not clear about the century."""
    birth_year: int = 0
    city: str = ""
    country: str = ""
    affiliation: str = ""
    field: str = ""
    winners: int = 1
    """How many share the prize, whether or not they are among the records."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """A chemical element."""

    id: str
    name: str
    symbol: str
    number: int
    series: str
    period: int
    group: int = 0
    discoverers: tuple[str, ...] = ()
    year: int = 0
    country: str = ""
    origin: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sources:
    """Everything that passages and questions are made of."""

    films: tuple[Film, ...]
    countries: tuple[Country, ...]
    laureates: tuple[Laureate, ...]
    elements: tuple[Element, ...]


KINDS: dict[str, type] = {
    "films": Film,
    "countries": Country,
    "laureates": Laureate,
    "elements": Element,
}


def to_json(sources: Sources) -> dict[str, Any]:
    """JSON of the records, as committed for the builder's test."""
    return {kind: [asdict(record) for record in getattr(sources, kind)] for kind in KINDS}


def from_json(data: Mapping[str, Any]) -> Sources:
    """The records that `to_json` wrote."""
    return Sources(
        **{kind: tuple(_record(made, row) for row in data[kind]) for kind, made in KINDS.items()}
    )


def _record(made: type, row: Mapping[str, Any]) -> Any:
    return made(**{k: tuple(v) if isinstance(v, list) else v for k, v in row.items()})
