"""Passages about directors, writers and actors.

A passage names some of a person's films, never all, so that a question that leads from one film
to another by the same person needs both films' passages.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from tools.atlas.film_prose import is_told
from tools.atlas.records import Film
from tools.atlas.wording import genre, listed, pick, shuffled, the

ROLES: dict[str, str] = {"directors": "director", "writers": "screenwriter", "cast": "actor"}
_MOST = 4
"""Films named per role."""
_OPENINGS = (
    "{n} is known in the cinema as {roles}.",
    "{n} has worked in film as {roles}.",
    "{n} is {roles} of films.",
)
_ROLE = {
    "directors": (
        "Films directed by {n} include {f}.",
        "As a director, {n} made {f}.",
        "{n} directed {f}.",
    ),
    "writers": ("Films written by {n} include {f}.", "{n} wrote the screenplay of {f}."),
    "cast": (
        "Films with {n} in the cast include {f}.",
        "As an actor, {n} appeared in {f}.",
        "{n} played in {f}.",
    ),
}
_WITH = (
    "People who worked on films with {n} include {c}.",
    "{n} has made films together with {c}.",
)
_WHERE = (
    "Most of this work was done in {p}, and many of the films are {g}s.",
    "Many of these works are {g}s, and most were produced in {p}.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A name and the films that it stands for, by role and in the order of years."""

    id: str
    name: str
    films: dict[str, tuple[Film, ...]]


def told_films(person: Person, role: str) -> tuple[Film, ...]:
    """The films that the person's passage names in a role: at most half of them, rounded up."""
    films = person.films.get(role, ())
    most = min(_MOST, (len(films) + 1) // 2)
    return tuple(f for f in films if is_told(f, 2, person.name))[:most]


def person_text(person: Person) -> str:
    """The passage, or an empty string where there is too little to tell."""
    told = {role: told_films(person, role) for role in ROLES}
    if not any(told.values()):
        return ""
    roles = listed([_a(word) for role, word in ROLES.items() if person.films.get(role)])
    parts = [pick(_OPENINGS, person.id, "opening").format(n=person.name, roles=roles)]
    parts += [
        pick(_ROLE[role][len(films) < 2 :], person.id, role).format(
            n=person.name, f=listed([f"{film.name} ({film.year})" for film in films])
        )
        for role, films in told.items()
        if films
    ]
    films = [film for role in ROLES for film in person.films.get(role, ())]
    return " ".join([*parts, *_context(person, films)])


def _context(person: Person, films: Sequence[Film]) -> list[str]:
    others = Counter(
        name
        for film in films
        for name in (*film.directors, *film.writers, *film.cast)
        if name != person.name
    )
    places = Counter(place for film in films for place in film.countries)
    kinds = Counter(genre(film) for film in films)
    most = sorted(others, key=lambda name: (-others[name], name))[:5]
    values = {
        "n": person.name,
        "c": listed(shuffled(most, person.id)),
        "p": listed([the(place) for place, _ in places.most_common(1)]),
        "g": kinds.most_common(1)[0][0],
    }
    parts = [pick(_WITH, person.id, "with").format(**values)] if most else []
    if not places or values["g"] == "film":
        return parts
    return [*parts, pick(_WHERE, person.id, "where").format(**values)]


def _a(word: str) -> str:
    return f"{'an' if word[0] in 'aeiou' else 'a'} {word}"
