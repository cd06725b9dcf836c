"""Passages about countries, one per topic."""

from __future__ import annotations

import re

from tools.atlas.records import Country
from tools.atlas.wording import article, joined, listed, pick, shuffled, the

Told = tuple[tuple[str, tuple[str, ...]], ...]

TOPICS: dict[str, tuple[str, Told]] = {
    "geography": (
        "Geography of {n}",
        (
            ("location", ("{N} lies in {v}.", "{N} is situated in {v}.")),
            (
                "peak",
                (
                    "The highest point of {n} is {peak}, at {m} metres.",
                    "{peak}, with {m} metres, is the highest point in {n}.",
                    "With a height of {m} metres, {peak} is the highest point of {n}.",
                ),
            ),
            (
                "low",
                (
                    "The lowest point of {n} is {place}, at {m} metres.",
                    "In {n} the lowest place is {place}, at {m} metres.",
                ),
            ),
            ("borders", ("{N} shares land borders with {l}.", "{N} borders on {l}.")),
            ("area", ("The area of {n} is {v}.", "{N} covers {v}.")),
            ("coast", ("The coastline is {v} long.", "It has {v} of coast.")),
            ("climate", ("The climate is {v}.", "The climate of {n} is {v}.")),
        ),
    ),
    "government": (
        "Government of {n}",
        (
            (
                "capital",
                (
                    "The capital of {n} is {v}.",
                    "{v} is the capital of {n}.",
                    "{N} has its capital in {v}.",
                ),
            ),
            ("formal", ("Its official name is {v}.", "The country's formal name is {v}.")),
            ("government", ("The form of government is {a}.", "The state is organised as {a}.")),
            (
                "legislature",
                (
                    "Laws are made by its legislature, the {v}.",
                    "The legislature of {n} is called the {v}.",
                ),
            ),
            (
                "independence",
                (
                    "{N} celebrates its independence, which dates from {v}.",
                    "The independence of {n} dates from {v}.",
                ),
            ),
            ("domain", ("Web addresses of {n} end in .{v}.", "Its internet domain is .{v}.")),
            ("people", ("A citizen of {n} is called {v}.", "The nationality is called {v}.")),
            ("borders", ("The states next to it are {l}.", "It has borders with {l}.")),
        ),
    ),
    "economy": (
        "Economy of {n}",
        (
            (
                "currency",
                (
                    "The currency of {n} is called {v}.",
                    "People in {n} pay in {v}, the currency of the country.",
                    "Prices in {n} are given in {v}, its currency.",
                ),
            ),
            ("crops", ("Farms in {n} produce {l}.", "The main farm products are {l}.")),
            ("industries", ("Important industries are {l}.", "Its industries include {l}.")),
            ("exports", ("The main exports are {l}.", "It sells {l} abroad.")),
            ("partners", ("Its exports go mostly to {l}.", "The main buyers are {l}.")),
        ),
    ),
    "symbols": (
        "People and symbols of {n}",
        (
            ("population", ("{N} has a population of {v}.", "About {v} people live in {n}.")),
            ("languages", ("Languages spoken in {n} are {l}.", "The people speak {l}.")),
            (
                "city",
                (
                    "The largest city in {n} is {v}, which is not the capital.",
                    "{v}, although not the capital, is the largest city in {n}.",
                ),
            ),
            (
                "anthem",
                (
                    "The national anthem of {n} is {v}.",
                    "{v} is the national anthem of {n}.",
                    "{N} has {v} as its national anthem.",
                ),
            ),
            (
                "emblem",
                (
                    "The national symbol of {n} is {l}.",
                    "As its national symbol {n} uses {l}.",
                ),
            ),
            ("colours", ("The national colours are {l}.", "Its colours are {l}.")),
            (
                "people",
                ("Someone from {n} is called {v}.", "The word for a person from {n} is {v}."),
            ),
            ("location", ("It lies in {v}.", "It is found in {v}.")),
        ),
    ),
}
"""Per topic the title, and the facts told with their wordings; the first comes first."""


def country_text(country: Country, topic: str) -> str:
    """What the sources say about a country under a topic."""
    _, told = TOPICS[topic]
    values = {**country.facts, "formal": country.formal}
    parts = [
        _sentence(country, topic, fact, options, values[fact])
        for fact, options in told
        if values.get(fact) and _says(fact, values[fact])
    ]
    return joined([*parts[:1], *shuffled(parts[1:], country.id, topic)])


def country_title(country: Country, topic: str) -> str:
    """The passage's title."""
    return TOPICS[topic][0].format(n=the(country.name))


def _lowest(place: str) -> str:
    """A place as it stands inside a sentence: "the Dead Sea", "Lake Eyre"."""
    waters = ("Sea", "Gulf", "Channel", "Strait", "Depression", "Nile")
    several = re.search(r"(Ocean|River)s?$", place)
    needs = (
        several
        or place.endswith(waters)
        or place.startswith(("Gulf of", "Bay of", "Sea of", "junction"))
    )
    return f"the {place}" if needs else place


def _says(fact: str, value: str) -> bool:
    empty = {"coast": "0 km", "legislature": "Legislature", "area": "0 sq km"}
    return empty.get(fact) != value


def _sentence(country: Country, topic: str, fact: str, options: tuple[str, ...], value: str) -> str:
    name = the(country.name)
    place, _, metres = value.partition("|")
    if fact == "location" and value.startswith(("Caribbean", "Middle East")):
        value = f"the {value}"
    text = pick(options, country.id, topic, fact).format(
        n=name,
        N=name[0].upper() + name[1:],
        v=value,
        a=article(value),
        l=listed([the(part) for part in value.split(", ")]),
        peak=place,
        place=_lowest(place),
        m=f"{float(metres):,g}" if metres else "",
    )
    return text[0].upper() + text[1:]
