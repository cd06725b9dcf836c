"""Numbers that depend on a key alone, so that any part of a world can be made on its own.

SplitMix64 (Steele, Lea and Flood 2014, "Fast splittable pseudorandom number generators"): its
output function is applied to every part of the key in turn.
"""

from __future__ import annotations

from functools import lru_cache
from math import gcd

_MASK = 2**64 - 1
_GOLDEN = 0x9E3779B97F4A7C15


def draw(*key: int) -> int:
    """A 64-bit number that looks random and depends on the key alone.

    >>> draw(1, 2) == draw(1, 2), draw(1, 2) == draw(2, 1)
    (True, False)
    """
    state = _GOLDEN
    for part in key:
        state = (state ^ part) + _GOLDEN & _MASK
        state = (state ^ (state >> 30)) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ (state >> 27)) * 0x94D049BB133111EB & _MASK
        state ^= state >> 31
    return state


def chance(probability: float, *key: int) -> bool:
    """True with this probability over keys."""
    return draw(*key) < probability * 2**64


def permute(index: int, size: int, key: int) -> int:
    """Where `index` goes in the permutation of `range(size)` that `key` names.

    >>> sorted(permute(index, 5, key=9) for index in range(5))
    [0, 1, 2, 3, 4]
    """
    factor, shift = _affine(size, key)
    return (factor * index + shift) % size


@lru_cache(maxsize=256)
def _affine(size: int, key: int) -> tuple[int, int]:
    factor = draw(key, 1) % size
    while gcd(factor, size) != 1:
        factor += 1
    return factor, draw(key, 2) % size
