"""Passages about films."""

from __future__ import annotations

from tools.atlas.records import Film
from tools.atlas.wording import article, draw, genre, joined, listed, pick, shuffled, the

_OPENINGS = (
    "{t} is {a_genre} from {y} that was directed by {d}.",
    "{t} is a {y} {genre} directed by {d}.",
    "{t}, released in {y}, is {a_genre} directed by {d}.",
    "Directed by {d}, {t} is {a_genre} that was released in {y}.",
    "{t} is {a_genre}. It was directed by {d} and was released in {y}.",
)
_WRITERS = (
    "The screenplay was written by {w}.",
    "It was written by {w}.",
    "The writer of the film is {w}.",
    "The script of {t} was written by {w}.",
)
_SELF_WRITERS = (
    "The director also wrote the screenplay.",
    "The screenplay is by the director too.",
    "The director wrote the script as well.",
)
_HALF_SELF_WRITERS = (
    "The director wrote the screenplay together with {w}.",
    "The screenplay was written by the director and {w}.",
)
_SEVERAL_WRITERS = ("The screenplay was written by {w}.", "The film was written by {w}.")
_CAST = (
    "The cast includes {c}.",
    "Among the actors are {c}.",
    "The actors in the film include {c}.",
    "Parts in {t} are played by {c}.",
)
_STUDIOS = (
    "It was produced by {s}.",
    "The production company was {s}.",
    "The film was made by the studio {s}.",
    "{t} was produced by the company {s}.",
)
_SEVERAL_STUDIOS = (
    "It was produced by {s}.",
    "The production companies were {s}.",
    "{t} was produced by the companies {s}.",
)
_PLACES = (
    "The film was made in {p}{in_l}.",
    "It was produced in {p}{in_l}.",
    "It comes from {p}{and_l}.",
)
_LENGTHS = (
    "It runs for {m} minutes.",
    "The running time is {m} minutes.",
    "The film is {m} minutes long.",
)
_PRIZES = ("It won {o} at the Academy Awards.", "The film received {o}.")


def film_text(film: Film) -> str:
    """The passage: an opening with title, year and director, then the other facts, shuffled."""
    rest = [_told(options, film, slot) for slot, options in _facts(film)]
    return joined([_told(_OPENINGS, film, "opening"), *shuffled(rest, film.id, "order")])


def _facts(film: Film) -> list[tuple[str, tuple[str, ...]]]:
    facts = [
        ("writers", _writing(film), film.writers),
        ("cast", _CAST if len(actors(film)) > 1 else _CAST[:1], actors(film)),
        ("studios", _SEVERAL_STUDIOS if len(film.studios) > 1 else _STUDIOS, film.studios),
        ("places", _PLACES, film.countries),
        ("lengths", _LENGTHS, film.minutes),
        ("prizes", _PRIZES, film.oscars),
    ]
    return [(slot, options) for slot, options, known in facts if known]


def _writing(film: Film) -> tuple[str, ...]:
    """Directors are named once, so that a search for their films finds each alike."""
    others = co_writers(film)
    if len(others) == len(film.writers):
        return _SEVERAL_WRITERS if len(others) > 1 else _WRITERS
    return _HALF_SELF_WRITERS if others else _SELF_WRITERS


def co_writers(film: Film) -> tuple[str, ...]:
    """Writers other than a sole director."""
    return tuple(name for name in film.writers if film.directors != (name,))


def _told(options: tuple[str, ...], film: Film, slot: str) -> str:
    languages = listed(film.languages)
    words = "language" if len(film.languages) == 1 else "languages"
    return pick(options, film.id, slot).format(
        t=film.name,
        y=film.year,
        d=listed(film.directors),
        w=listed(co_writers(film)),
        c=listed(shuffled(actors(film), film.id, "cast")),
        s=listed(film.studios),
        p=listed([the(name) for name in film.countries]),
        in_l=f" and is in {languages}" if languages else "",
        and_l=f"; its {words} {'is' if words == 'language' else 'are'} {languages}"
        if languages
        else "",
        m=film.minutes,
        o=f"{film.oscars} Oscars" if film.oscars > 1 else "one Oscar",
        genre=genre(film),
        a_genre=article(genre(film)),
    )


def actors(film: Film) -> tuple[str, ...]:
    """Members of the cast who are not named otherwise."""
    return tuple(n for n in film.cast if n not in film.directors and n not in film.writers)


def is_told(film: Film, share: int, *keys: object) -> bool:
    """Whether a passage about a person names this film: about one in `share` films are."""
    return draw(film.id, *keys) % share == 0
