"""Token spans that continue one another, and which tokens each of them sees."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import NamedTuple

import numpy as np
from jaxtyping import Int


class Call(NamedTuple):
    """One attention of consecutive packed tokens to consecutive packed tokens."""

    query: slice
    key: slice
    causal: bool
    """Query and key are the same span, and a token sees those before it and itself."""


@dataclass(frozen=True, slots=True)
class _Span:
    ids: np.ndarray
    parent: int | None
    at: int


class TokenTree:
    """Spans of tokens, each continuing the sequence of another one from some place on.

    The *path* of a span is the sequence that ends with it: tokens of its parent's path, as many
    as `at` says, and its own. A token sees what stands before it on its path. Several roots make
    several sequences that do not see one another.

    >>> tree = TokenTree()
    >>> prompt = tree.add([5, 6, 7])
    >>> left, right = tree.add([8, 9], prompt), tree.add([1], prompt, at=2)
    >>> tree.path(right).tolist(), tree.ids[tree.path(right)].tolist(), len(tree)
    ([0, 1, 3], [5, 6, 1], 6)
    """

    def __init__(self) -> None:
        """Without a span."""
        self._spans: list[_Span] = []

    def add(
        self, ids: Sequence[int] | np.ndarray, parent: int | None = None, at: int | None = None
    ) -> int:
        """Add a span; its number comes back.

        Args:
            ids: its tokens, at least one.
            parent: number of the span that it continues; None begins a sequence.
            at: tokens of the parent's path before it, by default all of them.

        Raises:
            ValueError: no token, or a place that is not on the parent's own span.
        """
        tokens = np.asarray(ids, dtype=np.int64)
        if not len(tokens):
            raise ValueError("a span needs at least one token")
        first, end = (0, 0) if parent is None else self._extent(parent)
        place = end if at is None else at
        if not first <= place <= end:
            raise ValueError(f"a span at {place} does not continue one of [{first}, {end}]")
        self._forget_layout()
        self._spans.append(_Span(tokens, parent, place))
        return len(self._spans) - 1

    def __len__(self) -> int:
        """Tokens, each shared one counted once."""
        return sum(len(span.ids) for span in self._spans)

    @cached_property
    def ids(self) -> Int[np.ndarray, " T"]:
        """Packed tokens, every span followed by those that continue it."""
        return np.concatenate([self._spans[number].ids for number in self._order])

    @cached_property
    def positions(self) -> Int[np.ndarray, " T"]:
        """Each packed token's place on its path, from 0."""
        spans = [self._spans[number] for number in self._order]
        return np.concatenate([span.at + np.arange(len(span.ids)) for span in spans])

    def start(self, number: int) -> int:
        """Where a span's first token is packed."""
        return self._starts[number]

    def path(self, number: int) -> Int[np.ndarray, " n"]:
        """Where the tokens of a span's path are packed."""
        span, start = self._spans[number], self._starts[number]
        own = start + np.arange(len(span.ids))
        before = () if span.parent is None else self.path(span.parent)[: span.at]
        return np.concatenate([np.asarray(before, dtype=np.int64), own])

    @cached_property
    def calls(self) -> tuple[Call, ...]:
        """Attentions whose union is what every token sees.

        First each span's to itself, then those to what the spans continue: one for all spans that
        continue another at the same place, with everything that continues them.
        """
        own = [self._slice(number) for number in self._order]
        calls = [Call(span, span, True) for span in own]
        for parent in self._order:
            calls += self._calls_to(parent)
        return tuple(calls)

    @property
    def roots(self) -> list[slice]:
        """Packed tokens of each sequence and all that continues it."""
        return [slice(self._starts[number], self._ends[number]) for number in self._children[None]]

    @property
    def is_flat(self) -> bool:
        """No span continues another."""
        return len(self._children) == 1

    def _calls_to(self, parent: int) -> list[Call]:
        first, _ = self._extent(parent)
        start = self._starts[parent]
        calls = []
        for at, group in groupby(self._children.get(parent, []), lambda n: self._spans[n].at):
            children = list(group)
            query = slice(self._starts[children[0]], self._ends[children[-1]])
            if at > first:
                calls.append(Call(query, slice(start, start + at - first), False))
        return calls

    def _extent(self, number: int) -> tuple[int, int]:
        """Where a span begins and ends on its path."""
        if not 0 <= number < len(self._spans):
            raise ValueError(f"there is no span {number} among {len(self._spans)}")
        span = self._spans[number]
        return span.at, span.at + len(span.ids)

    def _slice(self, number: int) -> slice:
        start = self._starts[number]
        return slice(start, start + len(self._spans[number].ids))

    @cached_property
    def _children(self) -> dict[int | None, list[int]]:
        """Numbers of the spans that continue each, by place."""
        children: dict[int | None, list[int]] = {None: []}
        for number in sorted(range(len(self._spans)), key=lambda n: (self._spans[n].at, n)):
            children.setdefault(self._spans[number].parent, []).append(number)
        return children

    @cached_property
    def _order(self) -> list[int]:
        """Span numbers as they are packed: depth first."""
        order: list[int] = []
        waiting = self._children[None][::-1]
        while waiting:
            number = waiting.pop()
            order.append(number)
            waiting += self._children.get(number, [])[::-1]
        return order

    @cached_property
    def _starts(self) -> dict[int, int]:
        lengths = [len(self._spans[number].ids) for number in self._order]
        starts = np.cumsum([0, *lengths[:-1]]).tolist()
        return dict(zip(self._order, starts, strict=True))

    @cached_property
    def _ends(self) -> dict[int, int]:
        """Behind a span and everything that continues it."""
        ends: dict[int, int] = {}
        for number in reversed(self._order):
            own = self._starts[number] + len(self._spans[number].ids)
            ends[number] = max([own, *(ends[child] for child in self._children.get(number, []))])
        return ends

    def _forget_layout(self) -> None:
        for name in ("ids", "positions", "calls", "_children", "_order", "_starts", "_ends"):
            self.__dict__.pop(name, None)
