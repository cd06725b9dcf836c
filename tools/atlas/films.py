"""Films of bokeh-sampledata's `movies.db`: Wikidata's facts, CC0."""

from __future__ import annotations

import re
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from tools.atlas.names import canonical_country, canonical_language
from tools.atlas.records import Film

_ROWS = """
select o.ID, o.Title, o.Year, o.Runtime, o.Genre, o.Director, o.Writer, o.Cast, o.Language,
       o.Country, o.Oscars, t.Production
from omdb o join tomatoes t using (ID) order by o.ID
"""
_LABEL = re.compile(r"\bQ\d{3,}\b|https?:|[<>{}\[\]|]")
_UNPRINTED = re.compile(
    r"\b(porn\w*|nigg\w*|\w*fuck\w*|cunt\w*|faggots?|sluts?|whores?|rap(e|es|ed|ists?)|xxx)\b",
    re.I,
)
_CAST = 5
"""Actors named in a passage: those with most films, so that they can be found elsewhere too."""


def films(database: Path) -> tuple[Film, ...]:
    """Films with a usable title and director; of those alike in name and year none is kept."""
    with sqlite3.connect(f"file:{database}?mode=ro", uri=True) as connection:
        rows = [row for row in connection.execute(_ROWS) if _usable(row[1]) and row[5]]
    fame = Counter(name for row in rows for name in _split(row[7]))
    named = Counter(_key(row[1]) for row in rows)
    dated = Counter((_key(row[1]), row[2]) for row in rows)
    return tuple(
        film
        for row in rows
        if dated[_key(row[1]), row[2]] == 1
        and (film := _film(row, fame, shared=named[_key(row[1])] > 1)).directors
    )


def _film(row: tuple[object, ...], fame: Counter[str], *, shared: bool) -> Film:
    number, name, year, minutes, genre, director, writer, cast, language, country, oscars, made = (
        row
    )
    name = _clean(str(name))
    known = sorted(_people(cast), key=lambda actor: (-fame[actor], actor))
    return Film(
        id=f"film-{number}",
        name=name,
        title=f"{name} ({year} film)" if shared else name,
        year=int(str(year)),
        minutes=int(float(str(minutes or 0))),
        genres=tuple(_split(genre))[:3],
        directors=_people(director)[:3],
        writers=_people(writer)[:4],
        cast=tuple(known[:_CAST]),
        languages=tuple(dict.fromkeys(map(canonical_language, _split(language))))[:3],
        countries=tuple(dict.fromkeys(map(canonical_country, _split(country))))[:3],
        studios=_studios(made),
        oscars=int(str(oscars or 0)),
    )


def _studios(text: object) -> tuple[str, ...]:
    return tuple(part for part in _split(text) if _usable(part) and len(part) > 2)[:3]


def _people(text: object) -> tuple[str, ...]:
    """Names with at least two words: a single one is seldom a person that can be found."""
    found = (_clean(name) for name in _split(text))
    return tuple(dict.fromkeys(n for n in found if " " in n and _usable(n) and len(n) < 40))


def _split(text: object) -> Iterable[str]:
    joined = re.sub(r", (Jr|Sr|Inc|Ltd|LLC|II|III)\b", r" \1", str(text or ""))
    return [part.strip() for part in joined.split(", ") if part.strip()]


def _usable(text: object) -> bool:
    words = str(text or "")
    latin = sum("a" <= c <= "z" for c in words.lower()) >= 0.6 * len(words.replace(" ", ""))
    return bool(words) and len(words) <= 60 and latin and not _bad(words)


def _bad(words: str) -> bool:
    return bool(_LABEL.search(words) or _UNPRINTED.search(words))


def _clean(text: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\s*\([^)]*\)", "", text)).strip() or text.strip()


def _key(title: object) -> str:
    return re.sub(r"[^a-z0-9]+", " ", _clean(str(title)).lower()).strip()
