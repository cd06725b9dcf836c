"""How questions are worded."""

from __future__ import annotations

ASKED: dict[str, tuple[str, ...]] = {
    "director": (
        "Who directed {x}?",
        "Who is the director of {x}?",
        "Which director made {x}?",
        "By whom was {x} directed?",
    ),
    "writer": (
        "Who wrote {x}?",
        "Who is the writer of {x}?",
        "Who wrote the screenplay of {x}?",
        "Which screenwriter wrote {x}?",
    ),
    "studio": (
        "Which company produced {x}?",
        "Which studio produced {x}?",
        "What is the production company of {x}?",
    ),
    "year": (
        "In which year was {x} released?",
        "When was {x} released?",
        "What is the release year of {x}?",
    ),
    "film": (
        "What is the title of {x}?",
        "What is the name of {x}?",
        "Name {x}.",
    ),
    "person": ("Who is {x}?", "What is the name of {x}?", "Name {x}."),
    "capital": (
        "What is the capital of {x}?",
        "Which city is the capital of {x}?",
        "Name the capital of {x}.",
    ),
    "peak": (
        "What is the highest point of {x}?",
        "Name the highest point of {x}.",
        "Which place is the highest point of {x}?",
    ),
    "currency": (
        "What is the currency of {x}?",
        "Which currency is used in {x}?",
        "Name the currency of {x}.",
    ),
    "anthem": (
        "What is the national anthem of {x}?",
        "What is the title of the national anthem of {x}?",
        "Which song is the national anthem of {x}?",
    ),
    "legislature": (
        "Name the legislature of {x}.",
        "What is the name of the legislature of {x}?",
        "Which legislature makes the laws of {x}?",
    ),
    "city": (
        "What is the largest city in {x}?",
        "Which city is the largest in {x}?",
        "Name the largest city of {x}.",
    ),
    "independence": (
        "What is the independence date of {x}?",
        "When was the independence of {x}?",
        "What is the date of the independence of {x}?",
    ),
    "emblem": (
        "What is the national symbol of {x}?",
        "Name the national symbol of {x}.",
        "What serves as the national symbol of {x}?",
    ),
    "country": ("Which is {x}?", "Name {x}.", "What is the name of {x}?"),
    "birthplace": (
        "Where was {x} born?",
        "In which city was {x} born?",
        "What is the birthplace of {x}?",
    ),
    "birthday": (
        "When was {x} born?",
        "On which day was {x} born?",
        "What is the date of birth of {x}?",
    ),
    "affiliation": (
        "At which institution did {x} work when receiving the Nobel Prize?",
        "Where did {x} work at the time of the Nobel Prize?",
        "Which institution did {x} work at when the Nobel Prize was awarded?",
    ),
    "prize_year": (
        "In which year did {x} win the Nobel Prize?",
        "When was the Nobel Prize awarded to {x}?",
        "In which year did the Nobel Prize go to {x}?",
    ),
    "discoverer": (
        "Who discovered {x}?",
        "Who is the discoverer of {x}?",
        "By whom was {x} discovered?",
    ),
    "discovery_year": (
        "In which year was {x} discovered?",
        "When was {x} discovered?",
        "What is the discovery year of {x}?",
    ),
}
"""Whole questions about `{x}`, by relation."""

DESCRIBED: dict[str, tuple[str, ...]] = {
    "film_by_director": (
        "the {a} film by the director of {x}",
        "the film that the director of {x} made in {a}",
        "the {a} film directed by the person who directed {x}",
    ),
    "film_by_writer": (
        "the {a} film written by the writer of {x}",
        "the film from {a} whose screenplay is by the writer of {x}",
        "the {a} film by the person who wrote {x}",
    ),
    "film_of_person_directors": (
        "the {a} film directed by {x}",
        "the film that {x} directed in {a}",
        "the {a} film by the director {x}",
    ),
    "film_of_person_writers": (
        "the {a} film written by {x}",
        "the film of {a} whose screenplay {x} wrote",
        "the {a} film with a screenplay by {x}",
    ),
    "country": (
        "the country where {x} was made",
        "the country that {x} comes from",
        "the country in which {x} was produced",
    ),
    "birth_country": (
        "the country where {x} was born",
        "the birth country of {x}",
        "the native country of {x}",
    ),
    "discovery_country": (
        "the country where {x} was discovered",
        "the country in which the discovery of {x} was made",
        "the country that saw the discovery of {x}",
    ),
    "winner_in_year_of_release": (
        "the winner of the {a} in the year in which {x} was released",
        "the person who won the {a} in the release year of {x}",
        "the person to whom the {a} went in the year that {x} came out",
    ),
    "winner_in_prize_year": (
        "the winner of the {a} in the year in which {x} won a Nobel Prize",
        "the person who won the {a} in the year of the Nobel Prize of {x}",
        "the person to whom the {a} went when {x} received a Nobel Prize",
    ),
    "winner": (
        "the winner of the {a} of {x}",
        "the person who won the {a} in {x}",
        "the person to whom the {a} went in {x}",
    ),
    "discoverer": (
        "the discoverer of {x}",
        "the person who discovered {x}",
        "the person to whom the discovery of {x} is owed",
    ),
    "country_by_capital": (
        "the country whose capital is {x}",
        "the country with the capital {x}",
        "the country of which {x} is the capital",
    ),
    "country_by_peak": (
        "the country whose highest point is {x}",
        "the country that has {x} as its highest point",
        "the country of which {x} is the highest point",
    ),
    "country_by_anthem": (
        "the country whose national anthem is {x}",
        "the country with the national anthem {x}",
        "the country that has {x} as its national anthem",
    ),
    "country_by_currency": (
        "the country whose currency is called {x}",
        "the country where people pay in {x}",
        "the country with the currency {x}",
    ),
}
"""Phrases for an entity by way of `{x}` and an argument `{a}`, by relation."""
