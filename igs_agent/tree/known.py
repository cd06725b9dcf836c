"""A tree of tokens of which some were read before: only the others go through the model."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from torch import Tensor

from igs_agent.tree.token_tree import Call, TokenTree


class Read(NamedTuple):
    """Keys and values of the first `length` tokens of a tree's sequence."""

    sequence: int
    """Its number in the tree."""
    length: int
    keys: Float[Tensor, "N H L D"]
    """Of N layers, rotated to their places, with as many heads as the model keeps; L ≥ length."""
    values: Float[Tensor, "N H L D"]


class _Piece(NamedTuple):
    """Consecutive packed tokens that one sequence's keys and values are taken for."""

    packed: slice
    read: Read
    at: slice
    """Which of its tokens."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class KnownTokens:
    """What is known of a tree of T tokens, and who sees whom among the others."""

    new: Int[np.ndarray, " n"]
    """Packed tokens that are computed, in order. What follows one of them is one of them."""
    calls: tuple[Call, ...]
    """As of the tree: queries are counted among the n new tokens, keys among all T."""
    _pieces: tuple[_Piece, ...]
    _size: int

    def whole(
        self, new: Float[Tensor, "1 H n D"], layer: int, *, of: str
    ) -> Float[Tensor, "1 H T D"]:
        """A layer's `keys` or `values` of all packed tokens, given those of the new ones."""
        found = new.new_empty(*new.shape[:2], self._size, new.shape[3])
        for piece in self._pieces:
            found[0, :, piece.packed] = getattr(piece.read, of)[layer, :, piece.at]
        for packed, own in _stretches(self.new):
            found[:, :, packed] = new[:, :, own]
        return found


def known_tokens(
    tree: TokenTree, read: Iterable[Read], wanted: Int[np.ndarray, " m"]
) -> KnownTokens:
    """What need not be computed of a tree.

    Args:
        tree: with all its sequences.
        read: keys and values that are there; of tokens that several have, the first one's count.
        wanted: packed tokens whose hidden states are asked for. They are computed in any case,
            and so is whatever follows one of them.
    """
    covers = list(read)
    known = np.zeros(len(tree), dtype=bool)
    for part in covers:
        known[tree.path(part.sequence)[: part.length]] = True
    for place in np.unique(wanted[known[wanted]]):
        known[place : tree.subtree_end(int(place))] = False
    pieces, left = list[_Piece](), known.copy()
    for part in covers:
        path = tree.path(part.sequence)[: part.length]
        # Beginnings are known before what follows them: what is left is one stretch of the path.
        where = left[path].nonzero()[0]
        left[path] = False
        for packed, own in _stretches(path[where]):
            at = slice(int(where[own.start]), int(where[own.stop - 1]) + 1)
            pieces.append(_Piece(packed, part, at))
    before = np.concatenate([[0], np.cumsum(~known)])
    return KnownTokens(
        new=(~known).nonzero()[0],
        calls=tuple(_remaining(tree.calls, before)),
        _pieces=tuple(pieces),
        _size=len(tree),
    )


def _stretches(numbers: Int[np.ndarray, " n"]) -> list[tuple[slice, slice]]:
    """Ascending numbers as (consecutive ones, where these stand): slices copy fast.

    >>> _stretches(np.array([4, 5, 9]))
    [(slice(4, 6, None), slice(0, 2, None)), (slice(9, 10, None), slice(2, 3, None))]
    """
    ends = [*((np.diff(numbers) != 1).nonzero()[0] + 1).tolist(), len(numbers)]
    return [
        (slice(int(numbers[a]), int(numbers[b - 1]) + 1), slice(a, b))
        for a, b in zip([0, *ends], ends, strict=False)
        if b > a
    ]


def _remaining(calls: Iterable[Call], before: Int[np.ndarray, " T+1"]) -> list[Call]:
    """The calls whose queries are new; `before` counts the new tokens before each packed one."""
    causal, whole = list[Call](), list[Call]()
    for query, key, own in calls:
        new = slice(int(before[query.start]), int(before[query.stop]))
        if new.start == new.stop:
            continue
        if not own:
            whole.append(Call(new, key, False))
            continue
        # A span's known tokens are its first ones, which the others see whole.
        first = key.stop - (new.stop - new.start)
        causal.append(Call(new, slice(first, key.stop), True))
        if first > key.start:
            whole.append(Call(new, slice(key.start, first), False))
    return causal + whole
