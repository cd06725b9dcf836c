"""How a good searcher words each look-up."""

from __future__ import annotations

QUERIES: dict[str, str] = {
    "director": "director of the film {x}",
    "writer": "screenplay of the film {x}",
    "studio": "production company of the film {x}",
    "year": "film {x} released",
    "film_by_director": "film directed by {x} in {a}",
    "film_by_writer": "film written by {x} in {a}",
    "country": "country of the film {x}",
    "capital": "capital of {x}",
    "peak": "highest point of {x}",
    "currency": "currency of {x}",
    "anthem": "national anthem of {x}",
    "legislature": "legislature of {x}",
    "city": "largest city in {x}",
    "independence": "independence of {x}",
    "emblem": "national symbol of {x}",
    "birthplace": "birthplace of {x}",
    "birthday": "date of birth of {x}",
    "birth_country": "birth country of {x}",
    "affiliation": "institution of {x}",
    "prize_year": "Nobel Prize of {x}",
    "winner": "winner of the {x} {a}",
    "discoverer": "discoverer of {x}",
    "discovery_year": "discovery year of {x}",
    "discovery_country": "country of the discovery of {x}",
    "country_by_capital": "country that has the capital {x}",
    "country_by_peak": "country with highest point {x}",
    "country_by_anthem": "country with national anthem {x}",
    "country_by_currency": "country with currency {x}",
    "minutes": "film {x} running time in minutes",
    "number": "atomic number of {x}",
}
"""A good search for each relation."""
