"""Choosing among wordings, and small pieces of English."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import TypeVar

from tools.atlas.records import Film

T = TypeVar("T")

_THE = ("United", "Netherlands", "Philippines", "Bahamas", "Gambia", "Maldives", "Soviet", "USSR")
_THE_ENDS = ("Islands", "Republic", "Emirates", "Kingdom", "Union", "Islands)")
_GENRES = {
    "Sci-Fi": "science fiction",
    "Biography": "biographical",
    "History": "historical",
    "Romance": "romantic",
    "Family": "family",
    "Animation": "animated",
    "Sport": "sports",
    "Music": "music",
}
_FIRST = ("animated", "biographical", "historical", "romantic", "family", "science fiction")
"""Genres that stand before others, as in "romantic comedy"."""


def draw(*keys: object) -> int:
    """A number that depends on nothing but the keys."""
    text = "\x1f".join(map(str, keys)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=6).digest(), "big")


def pick(options: Sequence[T], *keys: object) -> T:
    """One of the options, always the same for the same keys."""
    return options[draw(*keys) % len(options)]


def shuffled(items: Sequence[T], *keys: object) -> list[T]:
    """The items in an order that depends on nothing but the keys."""
    return [item for _, item in sorted(enumerate(items), key=lambda pair: draw(pair[0], *keys))]


def listed(words: Sequence[str]) -> str:
    """Words as a list in a sentence.

    >>> listed(["red", "white", "blue"])
    'red, white and blue'
    """
    return " and ".join(filter(None, [", ".join(words[:-1]), *words[-1:]]))


def joined(sentences: Sequence[str]) -> str:
    """A paragraph; a sentence that ends in an abbreviation gets no second full stop.

    >>> joined(["It is by Warner Bros..", "It is long."])
    'It is by Warner Bros. It is long.'
    """
    return " ".join(re.sub(r"(?<=[^.])\.\.$", ".", sentence) for sentence in sentences)


def the(country: str) -> str:
    """A country's name as it stands inside a sentence.

    >>> the("Netherlands"), the("Angola")
    ('the Netherlands', 'Angola')
    """
    needs = country.startswith(_THE) or country.endswith(_THE_ENDS) or "Republic of" in country
    return f"the {country}" if needs else country


def genre(film: Film) -> str:
    """A film's kind in words, as in "romantic comedy film"."""
    words = [_GENRES.get(name, name.lower()) for name in film.genres[:2]]
    words.sort(key=lambda word: (word not in _FIRST) + 2 * (word in ("comedy", "drama")))
    return " ".join([*words, "film"])


def article(words: str) -> str:
    """The words with their indefinite article."""
    return f"{'an' if words[0].lower() in 'aeiou' else 'a'} {words}"
