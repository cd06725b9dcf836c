"""One name for each country and language, whatever a source calls it."""

from __future__ import annotations

_COUNTRIES = {
    "USA": "United States",
    "United States of America": "United States",
    "England": "United Kingdom",
    "Scotland": "United Kingdom",
    "Wales": "United Kingdom",
    "Northern Ireland": "United Kingdom",
    "Great Britain": "United Kingdom",
    "US": "United States",
    "UAE": "United Arab Emirates",
    "East Timor": "Timor-Leste",
    "Bosnia": "Bosnia and Herzegovina",
    "Cyprys": "Cyprus",
    "DRC": "Democratic Republic of the Congo",
    "Trinidad": "Trinidad and Tobago",
    "Holy See": "Vatican City",
    "UK": "United Kingdom",
    "People's Republic of China": "China",
    "British Hong Kong": "Hong Kong",
    "Kingdom of the Netherlands": "Netherlands",
    "the Netherlands": "Netherlands",
    "The Netherlands": "Netherlands",
    "Czech Republic": "Czechia",
    "Federal Republic of Yugoslavia": "Yugoslavia",
    "Socialist Federal Republic of Yugoslavia": "Yugoslavia",
    "Korea, South": "South Korea",
    "Korea, North": "North Korea",
    "Turkey (Turkiye)": "Turkey",
    "Cote d'Ivoire": "Ivory Coast",
    "Occupied Palestinian territory": "Palestine",
    "Burma": "Myanmar",
    "The Bahamas": "Bahamas",
    "Bahamas, The": "Bahamas",
    "The Gambia": "Gambia",
    "Gambia, The": "Gambia",
    "Republic of Ireland": "Ireland",
    "Northern Rhodesia (now Zambia)": "Zambia",
}

_LANGUAGES = {
    "American English": "English",
    "Kurdish language": "Kurdish",
    "Modern Greek": "Greek",
    "Yue Chinese": "Cantonese",
    "Standard Chinese": "Mandarin",
    "Standard Taiwanese Mandarin": "Mandarin",
    "Putonghua": "Mandarin",
    "Bangla": "Bengali",
}


def canonical_country(name: str) -> str:
    """The name under which a country has its passages.

    >>> canonical_country("USA")
    'United States'
    """
    return _COUNTRIES.get(name.strip(), name.strip())


def canonical_language(name: str) -> str:
    """The usual English name of a language."""
    return _LANGUAGES.get(name.strip(), name.strip())
