"""`hashing`: vectors from words and letters alone, with nothing to install or download."""

from __future__ import annotations

import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from igs_env.retrievers.encoder import Vectors
from igs_env.retrievers.identity import identity
from igs_env.retrievers.terms import STOPWORDS, stem, surface_words


class HashingEncoder:
    """Signed feature hashing (Weinberger et al. 2009, arXiv 0902.2206) of words and trigrams.

    Each stemmed word, and each three-letter piece of a word at a third of its weight, is added to
    one of `dimensions` places with a sign, both taken from its hash; counts enter as 1 + log.
    Rows have length 1. It knows spelling, not meaning: a stand-in for a neural encoder.

    >>> encoder = HashingEncoder()
    >>> alien, aliens, amadeus = encoder.encode(["Alien film", "the films: Aliens", "Amadeus"])
    >>> bool(alien @ aliens > alien @ amadeus)
    True
    """

    def __init__(self, *, dimensions: int = 1024) -> None:
        """`dimensions`: places; fewer means more words in one place."""
        self.dimensions = dimensions
        self.fingerprint = identity("hashing", 1, dimensions)

    def encode(self, texts: Sequence[str], /) -> Vectors:
        """One row of length 1 per text; a text without words is a row of zeros."""
        vectors = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(vectors, texts, strict=True):
            for word, count in Counter(_words(text)).items():
                weight = 1.0 + np.log(count)
                for feature, share in _features(word):
                    sign = 1.0 if feature & 1 else -1.0
                    row[(feature >> 1) % self.dimensions] += sign * share * weight
            row /= max(float(np.linalg.norm(row)), 1e-12)
        return vectors


def _words(text: str) -> Iterator[str]:
    return (stem(word) for word in surface_words(text) if word not in STOPWORDS)


@lru_cache(maxsize=1 << 16)
def _features(word: str) -> tuple[tuple[int, float], ...]:
    framed = f"<{word}>"
    pieces = [framed[i : i + 3] for i in range(len(framed) - 2)]
    # CRC-32 is the same in every process, which Python's own hash of a string is not.
    return (
        (zlib.crc32(word.encode()), 1.0),
        *((zlib.crc32(b"#" + piece.encode()), 1 / 3) for piece in pieces),
    )
