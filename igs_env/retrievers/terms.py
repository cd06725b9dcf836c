"""Index terms of a text: what BM25 takes for the same word."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

TERMS_VERSION = 1
"""Counted up whenever a text gets other terms: indexes that were saved before are not opened."""

_WORD = re.compile(r"\w+")

_STOPWORDS = """
    a about an and any are as at be been but by can did do does for from had has have he her
    his how i if in into is it its me my no nor not of on or our s she so some such t than that
    the their them then there these they this those to too was we were what when where which who
    whom whose why will with would you your"""

STOPWORDS = frozenset(_STOPWORDS.split())
"""English function and question words. A question word is rare in passages, so that BM25 would
take it for the most telling word of a question."""


def surface_words(text: str) -> list[str]:
    """Runs of letters, digits and underscores, folded: no case, no accents.

    >>> surface_words("São Paulo's 2nd CITY")
    ['sao', 'paulo', 's', '2nd', 'city']
    """
    if not text.isascii():
        decomposed = unicodedata.normalize("NFKD", text)
        text = "".join(char for char in decomposed if not unicodedata.combining(char))
        return _WORD.findall(text.casefold())
    return _WORD.findall(text.lower())


def stem(word: str) -> str:
    """The word without an English plural ending: Harman's S-stemmer (1991, JASIS 42(1), table 1).

    >>> [stem(word) for word in ("countries", "films", "houses", "glass", "genius")]
    ['country', 'film', 'house', 'glass', 'genius']
    """
    if len(word) <= 3 or not word.endswith("s"):
        return word
    if word.endswith("ies"):
        return word if word.endswith(("eies", "aies")) else word[:-3] + "y"
    if word.endswith(("us", "ss", "aes", "ees", "oes")):
        return word
    return word[:-1]


def query_words(query: str) -> Sequence[str]:
    """Folded words of a query without stopwords; all of them where there are only stopwords.

    >>> query_words("Who directed the film Alien?"), query_words("The Who")
    (['directed', 'film', 'alien'], ['the', 'who'])
    """
    words = surface_words(query)
    return [word for word in words if word not in STOPWORDS] or words
