"""Keys and values of many sequences of different lengths, one row each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers.cache_utils import Cache


class RowCache(Cache):  # type: ignore[misc]  # transformers is untyped here
    """A key-value cache whose rows grow independently.

    A forward of T tokens writes row b's keys and values at `lengths[b] … lengths[b] + T − 1`.
    Padding tokens at the end of a chunk are written too; the next chunk overwrites them, and
    `mask` never lets a query see beyond its own position.

    Tensors are (rows, capacity, heads, head size) per layer, allocated on first use.
    """

    def __init__(self, rows: int, device: torch.device) -> None:
        """An empty cache of so many rows."""
        super().__init__(layers=[])
        self.lengths = torch.zeros(rows, dtype=torch.long, device=device)
        self._keys: list[Tensor] = []
        self._values: list[Tensor] = []
        self._capacity = 0
        self._positions: Tensor | None = None

    def plan(self, width: int) -> tuple[Int[Tensor, "R T"], Bool[Tensor, "R 1 T L"]]:
        """Positions and attention mask of the next forward of `width` tokens per row."""
        steps = torch.arange(width, device=self.lengths.device)
        positions = self.lengths[:, None] + steps
        self._positions = positions
        self._grow(int(positions.max()) + 1)
        columns = torch.arange(self._extent, device=self.lengths.device)
        return positions, (columns <= positions[:, :, None])[:, None]

    def update(
        self,
        key_states: Float[Tensor, "R H T D"],
        value_states: Float[Tensor, "R H T D"],
        layer_idx: int,
        *_args: object,
        **_kwargs: object,
    ) -> tuple[Float[Tensor, "R H L D"], Float[Tensor, "R H L D"]]:
        """Write a layer's new keys and values where `plan` said; all of them come back."""
        if self._positions is None:
            raise RuntimeError("RowCache.plan must be called before a forward")
        if layer_idx == len(self._keys):
            rows, heads, _, size = key_states.shape
            shape = (rows, self._capacity, heads, size)
            self._keys.append(key_states.new_zeros(shape))
            self._values.append(value_states.new_zeros(shape))
        rows_index = torch.arange(len(self.lengths), device=self.lengths.device)[:, None]
        for store, new in ((self._keys, key_states), (self._values, value_states)):
            store[layer_idx][rows_index, self._positions] = new.transpose(1, 2)
        return (
            self._keys[layer_idx][:, : self._extent].transpose(1, 2),
            self._values[layer_idx][:, : self._extent].transpose(1, 2),
        )

    def append(self, counts: Int[Tensor, " R"]) -> None:
        """Row b keeps `counts[b]` of the tokens that the last forward wrote."""
        self.lengths = self.lengths + counts
        self._positions = None

    def select(self, rows: Sequence[int]) -> RowCache:
        """A cache of these rows, in this order; a row may be taken more than once."""
        index = torch.tensor(list(rows), dtype=torch.long, device=self.lengths.device)
        chosen = RowCache(len(index), self.lengths.device)
        chosen.lengths = self.lengths[index]
        chosen._capacity = self._capacity
        chosen._keys = [keys[index] for keys in self._keys]
        chosen._values = [values[index] for values in self._values]
        return chosen

    def join(self, other: RowCache) -> RowCache:
        """A cache of this one's rows and then the other's."""
        if not len(self.lengths):
            return other
        capacity = max(self._capacity, other._capacity)
        self._grow(capacity)
        other._grow(capacity)
        joined = RowCache(0, self.lengths.device)
        joined.lengths = torch.cat([self.lengths, other.lengths])
        joined._capacity = capacity
        joined._keys = [torch.cat(pair) for pair in zip(self._keys, other._keys, strict=True)]
        joined._values = [torch.cat(pair) for pair in zip(self._values, other._values, strict=True)]
        return joined

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Longest row; the model is always given explicit positions."""
        return int(self.lengths.max()) if len(self.lengths) else 0

    @property
    def _extent(self) -> int:
        assert self._positions is not None
        return int(self._positions.max()) + 1

    def _grow(self, needed: int) -> None:
        if needed <= self._capacity:
            return
        self._capacity = max(needed, self._capacity + 128)
        for store in (self._keys, self._values):
            for layer, old in enumerate(store):
                grown = old.new_zeros((old.shape[0], self._capacity, *old.shape[2:]))
                grown[:, : old.shape[1]] = old
                store[layer] = grown
