"""Sequences of tokens as a tree in which equal beginnings are one, and who sees whom in it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Int


class Call(NamedTuple):
    """One attention of consecutive packed tokens to consecutive packed tokens."""

    query: slice
    key: slice
    causal: bool
    """Query and key are the same tokens, and each sees those before it and itself."""


@dataclass(slots=True, eq=False)
class _Span:
    """Tokens that every sequence which reaches the first of them shares."""

    ids: np.ndarray
    at: int
    """Tokens before it on its path."""
    parent: _Span | None
    children: dict[Hashable, _Span] = field(default_factory=dict)
    """By first token; at the top by scope and first token."""
    start: int = -1
    """Where its first token is packed, and so are the following two."""
    end: int = -1
    subtree_end: int = -1
    """Behind everything that continues it."""


class TokenTree:
    """Sequences that begin alike share what they begin with: a radix tree of token spans.

    A causal model reads a token by what stands before it, so that a shared token's hidden state is
    the same in every sequence and needs to be computed once.

    >>> tree = TokenTree()
    >>> left, right = tree.add([5, 6, 7, 8]), tree.add([5, 6, 1])
    >>> len(tree), tree.path(right).tolist(), tree.ids[tree.path(right)].tolist()
    (5, [0, 1, 4], [5, 6, 1])
    """

    def __init__(self) -> None:
        """Without a sequence."""
        self._top = _Span(np.zeros(0, dtype=np.int64), 0, None)
        self._sequences: list[tuple[_Span, int]] = []
        self._size = 0

    def add(self, ids: Sequence[int] | np.ndarray, scope: Hashable = None) -> int:
        """Add a sequence; its number comes back.

        Args:
            ids: its tokens, at least one.
            scope: sequences of different scopes share nothing.

        Raises:
            ValueError: no token.
        """
        tokens = np.asarray(ids, dtype=np.int64)
        span, shared, matched = self._reach(tokens, scope)
        rest = tokens[span.at + matched :]
        if len(rest) and matched < len(span.ids):
            span = self._split(span, matched, scope)
        if len(rest):
            span = self._continue(span, rest, scope)
        self._size += len(tokens) - shared
        self._sequences.append((span, len(tokens)))
        self._forget_layout()
        return len(self._sequences) - 1

    def missing(self, ids: Sequence[int] | np.ndarray, scope: Hashable = None) -> int:
        """Tokens by which the tree would grow with this sequence."""
        _, shared, _ = self._reach(np.asarray(ids, dtype=np.int64), scope)
        return len(ids) - shared

    def __len__(self) -> int:
        """Tokens, each shared one counted once."""
        return self._size

    @property
    def ids(self) -> Int[np.ndarray, " T"]:
        """Packed tokens, every span followed by those that continue it."""
        return np.concatenate([span.ids for span in self._spans])

    @property
    def positions(self) -> Int[np.ndarray, " T"]:
        """Each packed token's place in its sequences, from 0."""
        return np.concatenate([span.at + np.arange(len(span.ids)) for span in self._spans])

    def path(self, number: int) -> Int[np.ndarray, " n"]:
        """Where the tokens of a sequence are packed."""
        last, length = self._sequences[number]
        assert self._spans  # they are laid out by now
        parts: list[np.ndarray] = []
        span: _Span | None = last
        while span is not None:
            parts.append(np.arange(span.start, span.end))
            span = span.parent
        return np.concatenate(parts[::-1])[:length]

    @property
    def calls(self) -> tuple[Call, ...]:
        """Attentions whose union is what every token sees.

        First each span's to itself, then one to each span from all that continues it.
        """
        own = [slice(span.start, span.end) for span in self._spans]
        return (
            *(Call(where, where, True) for where in own),
            *(
                Call(slice(span.end, span.subtree_end), where, False)
                for span, where in zip(self._spans, own, strict=True)
                if span.children
            ),
        )

    @property
    def roots(self) -> list[slice]:
        """Packed tokens of what begins alike: no token sees one of another root."""
        assert self._spans
        return [slice(span.start, span.subtree_end) for span in self._top.children.values()]

    def subtree_end(self, place: int) -> int:
        """Behind everything that a packed token stands before: its span's rest and what follows."""
        starts = [span.start for span in self._spans]
        return self._spans[bisect_right(starts, place) - 1].subtree_end

    @property
    def is_flat(self) -> bool:
        """No span continues another."""
        return not any(span.children for span in self._top.children.values())

    def _reach(self, tokens: np.ndarray, scope: Hashable) -> tuple[_Span, int, int]:
        """(the last span on the sequence's way, tokens that are there, how many of them in it)."""
        if not len(tokens):
            raise ValueError("a sequence needs at least one token")
        span, matched = self._top, 0
        while matched == len(span.ids):
            at = span.at + matched
            found = (
                span.children.get(self._key(span, tokens[at], scope)) if at < len(tokens) else None
            )
            if found is None:
                return span, at, matched
            span = found
            matched = _common(span.ids, tokens[span.at :])
        return span, span.at + matched, matched

    def _key(self, parent: _Span, token: int, scope: Hashable) -> Hashable:
        return (scope, int(token)) if parent is self._top else int(token)

    def _split(self, span: _Span, count: int, scope: Hashable) -> _Span:
        """Its first `count` tokens as a span of their own, which comes back."""
        parent = span.parent
        assert parent is not None
        upper = _Span(span.ids[:count], span.at, parent)
        parent.children[self._key(parent, span.ids[0], scope)] = upper
        span.ids, span.at, span.parent = span.ids[count:], span.at + count, upper
        upper.children[int(span.ids[0])] = span
        return upper

    def _continue(self, span: _Span, rest: np.ndarray, scope: Hashable) -> _Span:
        """The span that holds `rest` behind the whole of `span`."""
        if span is not self._top and not span.children:
            span.ids = np.concatenate([span.ids, rest])
            return span
        child = _Span(rest, span.at + len(span.ids), span)
        span.children[self._key(span, rest[0], scope)] = child
        return child

    @cached_property
    def _spans(self) -> list[_Span]:
        """As they are packed, depth first; they know their places then."""
        order: list[_Span] = []
        waiting = list(self._top.children.values())[::-1]
        end = 0
        while waiting:
            span = waiting.pop()
            span.start, span.end = end, end + len(span.ids)
            end = span.subtree_end = span.end
            order.append(span)
            waiting += list(span.children.values())[::-1]
        for span in reversed(order):
            if span.parent is not None and span.parent is not self._top:
                span.parent.subtree_end = max(span.parent.subtree_end, span.subtree_end)
        return order

    def _forget_layout(self) -> None:
        self.__dict__.pop("_spans", None)


def distinct_predictions(
    places: Int[np.ndarray, " n"], ids: Int[np.ndarray, " n"]
) -> tuple[Int[np.ndarray, " m"], Int[np.ndarray, " m"], Int[np.ndarray, " n"]]:
    """(places, ids, which): each distinct pair once, and which of them every given pair is.

    Tokens that sequences share are predicted once as well: logits are the dearest of all.

    >>> [found.tolist() for found in distinct_predictions(np.array([4, 4, 4]), np.array([7, 8, 7]))]
    [[4, 4], [7, 8], [0, 1, 0]]
    """
    pairs, which = np.unique(np.stack([places, ids]), axis=1, return_inverse=True)
    return pairs[0], pairs[1], which


def _common(left: np.ndarray, right: np.ndarray) -> int:
    """Tokens that both begin with."""
    width = min(len(left), len(right))
    differ = left[:width] != right[:width]
    return int(differ.argmax()) if differ.any() else width
