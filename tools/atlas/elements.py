"""Chemical elements of mendeleev's database."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path

from tools.atlas.names import canonical_country
from tools.atlas.records import Element

_ROWS = """
select e.atomic_number, e.name, e.symbol, e.period, e.group_id, s.name, e.discoverers,
       e.discovery_year, e.discovery_location, e.name_origin
from elements e join series s on s.id = e.series_id order by e.atomic_number
"""
_SPELLED = {
    "Sir William Ramsey": "William Ramsay",
    "Sir William Ramsay": "William Ramsay",
    "M.W. Travers": "Morris Travers",
    "M. W. Travers": "Morris Travers",
    "Joseph Priestly": "Joseph Priestley",
    "Sir Humphrey Davy": "Humphry Davy",
    "Sir William Crookes": "William Crookes",
    "Baron Rayleigh": "Lord Rayleigh",
    "Jöns Berzelius": "Jöns Jacob Berzelius",
    "Antoine J. Balard": "Antoine Jérôme Balard",
    "Charles Hatchet": "Charles Hatchett",
    "Émillo Segrè": "Emilio Segrè",
    "Fredrich Stromeyer": "Friedrich Stromeyer",
    "Fredrich Ernst Dorn": "Friedrich Ernst Dorn",
    "Marguerite Derey": "Marguerite Perey",
    "C.F. Aver von Welsbach": "Carl Auer von Welsbach",
    "Smithson Tenant": "Smithson Tennant",
    "Karl Klaus": "Karl Ernst Claus",
    "Gustov Kirchoff": "Gustav Kirchhoff",
    "G. Kirchoff": "Gustav Kirchhoff",
    "R. Bunsen": "Robert Bunsen",
    "J.L. Soret": "Jacques-Louis Soret",
    "William Wollaston": "William Hyde Wollaston",
    "Adair Crawford": "Adair Crawford",
    "A. Crawford": "Adair Crawford",
    "Fredrich Wöhler": "Friedrich Wöhler",
    "Hans Christian Oersted": "Hans Christian Ørsted",
    "Henri Moissan": "Henri Moissan",
    "E.M. McMillan": "Edwin Mattison McMillan",
    "P.H. Abelson": "Philip Abelson",
    "Fredrich Soddy": "Frederick Soddy",
    "Pierre and Marie Curie": "Pierre Curie, Marie Curie",
}
"""The source's slips and initials, put right; names as in the table of laureates."""
_INITIALS = re.compile(r"\b[A-Z]\.|et al|/|Argonne|Nobel Inst|known to", re.I)


def elements(database: Path) -> tuple[Element, ...]:
    """All elements; discoverers only where each has a full name."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        return tuple(_element(*row) for row in connection.execute(_ROWS))


def _element(
    number: int,
    name: str,
    symbol: str,
    period: int,
    group: int | None,
    series: str,
    discoverers: str | None,
    year: int | None,
    country: str | None,
    origin: str | None,
) -> Element:
    found = tuple(_SPELLED.get(n, n) for n in re.split(r"[,;] ?(?![A-Z]\.)", discoverers or ""))
    found = tuple(
        re.sub(r"\s*\(.*?\)", "", part).strip()
        for name_ in found
        for part in name_.split(",")
        if part.strip()
    )
    full = bool(found) and not any(_INITIALS.search(one) for one in found)
    return Element(
        id=f"element-{number}",
        name=name,
        symbol=symbol,
        number=number,
        series="noble gas" if series == "Noble gases" else series.removesuffix("s").lower(),
        period=period,
        group=group or 0,
        discoverers=found if full else (),
        year=year or 0,
        country=canonical_country(country) if country and "/" not in country else "",
        origin=_origin(origin or ""),
    )


def _origin(text: str) -> str:
    """The name's origin in the source's few words, when they make a clause."""
    plain = re.split(r"[.;]", text)[0].strip()
    match = re.match(r"(?:Named )?(for|after|in honor of|from) (.+)", plain, re.I)
    return f"{match[1].lower()} {match[2]}" if match and len(plain.split()) <= 14 else ""
