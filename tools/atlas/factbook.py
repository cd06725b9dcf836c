"""Countries of the World Factbook, a work of the United States government in the public domain."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tools.atlas.names import canonical_country
from tools.atlas.records import Country
from tools.atlas.wording import article

_NAMES = {
    "ct": "Central African Republic",
    "ae": "United Arab Emirates",
    "cg": "Democratic Republic of the Congo",
    "cf": "Republic of the Congo",
    "iv": "Ivory Coast",
    "sv": "Svalbard",
    "vt": "Vatican City",
    "fk": "Falkland Islands",
    "sh": "Saint Helena",
    "us": "United States",
    "dr": "Dominican Republic",
    "vq": "US Virgin Islands",
    "sx": "South Georgia",
}
"""Where the short form is missing or is not what people say."""

_UNLISTED = re.compile(
    r"\d|%|other|\)|\b(and|no|none|only|form|some|including|the Balearic)\b|unspecified|unknown"
)
"""Entries of a list that name nothing."""

Raw = Mapping[str, Any]


def countries(folder: Path) -> tuple[Country, ...]:
    """Countries and territories that have a capital, by code."""
    found = (_country(path.stem, json.loads(path.read_text())) for path in folder.glob("*/*.json"))
    named = [c for c in found if c.name and c.facts.get("capital") and len(c.facts) >= 10]
    return tuple(sorted(named, key=lambda country: country.id))


def _country(code: str, raw: Raw) -> Country:
    short = _text(raw, "Government", "Country name", "conventional short form")
    name = _NAMES.get(code) or ("" if short == "none" else canonical_country(short))
    facts = {relation: read(raw) for relation, read in _READERS.items()}
    formal = _text(raw, "Government", "Country name", "conventional long form")
    return Country(
        id=f"country-{code}",
        name=name,
        formal="" if formal in ("none", name) else _plain(formal),
        facts={relation: value for relation, value in facts.items() if value},
    )


def _text(raw: Raw, *path: str) -> str:
    for key in path:
        raw = raw.get(key) or raw.get(f"{key} ") or {}
    text = html.unescape(str(raw.get("text") or ""))
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).strip()


def _plain(text: str) -> str:
    """A text up to its first note, without brackets and estimates.

    >>> _plain("National Assembly (Bunge); note - elected")
    'National Assembly'
    """
    text = re.split(r";|\bnote\b", text)[0]
    text = re.sub(r"\s+", " ", re.sub(r"\s*[(\[][^)\]]*[)\]]?", "", text)).strip(" ,-\"'")
    return text if re.search(r"\b[A-Z]\.$", text) else text.strip(".")


def _short(text: str, words: int = 5) -> str:
    plain = _plain(text)
    return plain if 0 < len(plain.split()) <= words and not re.search(r"[:<>]", plain) else ""


def _capital(raw: Raw) -> str:
    text = _text(raw, "Government", "Capital", "name")
    text = text.split("; note - Valparaiso")[0]
    several = re.search(r"\bcapital\b|\bseat\b|,.*,|administered", text)
    # Moldova has "Chisinau in Romanian (Kishinev in Russian)".
    return "" if several else _short(text, 4).partition(" in ")[0]


def _peak(raw: Raw) -> str:
    text = _text(raw, "Geography", "Elevation", "highest point")
    match = re.match(r"([^\d;]+?),? ([\d,]+) m\b", re.sub(r"\s*\([^)]*\)", "", text))
    unnamed = not match or re.search(
        r"unnamed|location|dune|course|\bkm\b|highest|range|Island|Atoll|,|hill$|height", match[1]
    )
    return "" if unnamed or not match else f"{match[1].strip()}|{match[2].replace(',', '')}"


def _low(raw: Raw) -> str:
    """The lowest point and its height: `Dead Sea|-431`."""
    text = re.sub(r"\s*\([^)]*\)", "", _text(raw, "Geography", "Elevation", "lowest point"))
    match = re.match(r"([^\d;]+?),? (-?[\d.,]+) m\b", text)
    return f"{match[1].removeprefix('near ')}|{match[2].replace(',', '')}" if match else ""


def _location(raw: Raw) -> str:
    """Where a country lies, its land named with an article."""
    text = _short(_text(raw, "Geography", "Location"), 25)
    land = r"(^|, )(archipelago|island|group|chain|peninsula)(?= )"
    text = re.sub(r"^islands(?= )", "a group of islands", text)
    return re.sub(land, lambda found: found[1] + article(found[2]), text)


def _legislature(raw: Raw) -> str:
    name = _short(_text(raw, "Government", "Legislative branch", "legislature name"))
    # A bracket within brackets leaves one behind, as in Turkey's.
    return name.removeprefix("The ").rstrip(")")


def _people(raw: Raw) -> str:
    text = _short(_text(raw, "People and Society", "Nationality", "noun"), 3)
    return "" if text in ("none", "NA") else text


def _currency(raw: Raw) -> str:
    text = _text(raw, "Economy", "Exchange rates", "Currency")
    return "" if " per " not in text else _short(text.split(" per ")[0], 4)


def _anthem(raw: Raw) -> str:
    match = re.match(
        r"[\"“]([^\"“”]{3,50})[\"”]", _text(raw, "Government", "National anthem(s)", "title")
    )
    return match[1].strip(" ,") if match else ""


def _city(raw: Raw) -> str:
    """The largest city where that is not the capital, which the source writes in capitals."""
    first = _text(raw, "People and Society", "Major urban areas - population").split(", ")[0]
    match = re.match(r"[\d.,]+(?: million)? ([^()\d]+)$", first)
    named = match and match[1].upper() != match[1] and "-" not in match[1]
    return match[1].strip() if match and named else ""


def _borders(raw: Raw) -> str:
    text = _text(raw, "Geography", "Land boundaries", "border countries")
    text = re.sub(r"\([^)]*\)", "", re.sub(r"^[^:]*:", "", text))
    found = re.findall(r"([A-Z][^;\d]+?) [\d,.]+ km", text)
    return ", ".join(dict.fromkeys(canonical_country(name.strip(" ,")) for name in found))


def _independence(raw: Raw) -> str:
    match = re.match(
        r"(\d{1,2} [A-Z][a-z]+ \d{4}) \(from", _text(raw, "Government", "Independence")
    )
    return match[1] if match else ""


def _government(raw: Raw) -> str:
    text = _short(_text(raw, "Government", "Government type"), 6)
    return "" if text.startswith("in ") else text


def _list(*path: str, most: int = 5) -> Any:
    def read(raw: Raw) -> str:
        parts = [_short(part, 4) for part in re.split(r"[,;]", _text(raw, *path))]
        clean = [re.sub(r"^almost entirely |\s+[\d.]+%.*", "", part) for part in parts]
        named = [p for p in clean if p not in ("", "The", "NZ") and not _UNLISTED.search(p)]
        return ", ".join(dict.fromkeys(canonical_country(part) for part in named[:most]))

    return read


def _plainly(*path: str, words: int = 5) -> Any:
    return lambda raw: _short(_text(raw, *path), words)


_READERS = {
    "capital": _capital,
    "peak": _peak,
    "low": _low,
    "currency": _currency,
    "anthem": _anthem,
    "legislature": _legislature,
    "emblem": _list("Government", "National symbol(s)", most=2),
    "colours": _list("Government", "National color(s)"),
    "city": _city,
    "independence": _independence,
    "domain": _plainly("Communications", "Internet country code", words=1),
    "location": _location,
    "borders": _borders,
    "languages": _list("People and Society", "Languages", "Languages", most=4),
    "crops": _list("Economy", "Agricultural products", most=6),
    "industries": _list("Economy", "Industries", most=5),
    "population": _plainly("People and Society", "Population", "total", words=1),
    "area": _plainly("Geography", "Area", "total", words=4),
    "coast": _plainly("Geography", "Coastline", words=3),
    "climate": _plainly("Geography", "Climate", words=12),
    "government": _government,
    "exports": _list("Economy", "Exports - commodities", most=5),
    "partners": _list("Economy", "Exports - partners", most=4),
    "people": _people,
}
