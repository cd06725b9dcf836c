"""Keys and values of many sequences of different lengths, one row each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers.cache_utils import Cache

ROOM = 128
"""Tokens by which rows grow at least, so that growing, a copy of all of them, is rare."""


@dataclass(slots=True, eq=False)
class Kept:
    """Keys and values of one sequence, in the row where they were written or taken out of it."""

    keys: Float[Tensor, "N H L D"]
    values: Float[Tensor, "N H L D"]

    def take_out(self) -> None:
        """Copy them, unless they were, so that the other rows' memory is free to go."""
        if self.keys.untyped_storage().nbytes() > self.keys.nbytes:
            self.keys, self.values = self.keys.clone(), self.values.clone()


class RowCache(Cache):  # type: ignore[misc]  # transformers is untyped here
    """A key-value cache whose rows grow independently.

    A forward of T tokens writes row b's keys and values at `lengths[b] … lengths[b] + T − 1`.
    Padding tokens at the end of a chunk are written too; the next chunk overwrites them, and
    `mask` never lets a query see beyond its own position.
    """

    def __init__(self, rows: int, *, layers: int, length: int, device: torch.device) -> None:
        """An empty cache of so many rows for a model of so many layers.

        Room for `length` tokens and some more per row comes at once, more when it is needed.
        """
        super().__init__(layers=[])
        self.lengths = np.zeros(rows, dtype=np.int64)
        self._layers, self._device = layers, device
        self._keys: Tensor | None = None
        self._values: Tensor | None = None
        self._needed = length
        self._rows = slice(0, 0)
        self._places: tuple[Tensor, Tensor] | None = None

    def plan(self, rows: slice, width: int) -> tuple[Int[Tensor, "R T"], Bool[Tensor, "R 1 T L"]]:
        """Positions and attention mask of the next forward: `width` tokens for each of the rows."""
        places = self.lengths[rows, None] + np.arange(width)
        positions = torch.from_numpy(places).to(self._device)
        self._rows, self._needed = rows, int(places.max()) + 1
        numbers = torch.arange(rows.start, rows.stop, device=self._device)[:, None]
        self._places = (numbers, positions)
        columns = torch.arange(self._needed, device=self._device)
        return positions, (columns <= positions[:, :, None])[:, None]

    def update(
        self,
        key_states: Float[Tensor, "R H T D"],
        value_states: Float[Tensor, "R H T D"],
        layer_idx: int,
        *_args: object,
        **_kwargs: object,
    ) -> tuple[Float[Tensor, "R H L D"], Float[Tensor, "R H L D"]]:
        """Write a layer's new keys and values where `plan` said; all of its rows come back."""
        if self._places is None:
            raise RuntimeError("RowCache.plan must be called before a forward")
        rows, positions = self._places
        found = []
        for store, new in zip(self._stores(key_states), (key_states, value_states), strict=True):
            store[layer_idx][rows, :, positions] = new.transpose(1, 2)
            found.append(store[layer_idx, self._rows, :, : self._needed])
        return found[0], found[1]

    def append(self, rows: slice, counts: Int[np.ndarray, " R"] | int) -> None:
        """The rows keep so many of the tokens that the last forward wrote."""
        self.lengths[rows] += counts
        self._places = None

    def keep(self, row: int) -> Kept:
        """The row's keys and values, where they are: good until the row is written again."""
        assert self._keys is not None
        assert self._values is not None
        keys, values = (s[:, row, :, : self.lengths[row]] for s in (self._keys, self._values))
        return Kept(keys, values)

    def put(self, row: int, kept: Kept, length: int) -> None:
        """Begin a row with the first `length` tokens of what was kept."""
        for store, part in zip(self._stores(kept.keys), (kept.keys, kept.values), strict=True):
            store[:, row, :, :length] = part[:, :, :length]
        self.lengths[row] = length

    def copy(self, source: int, row: int) -> None:
        """Overwrite a row by another one."""
        length = self.lengths[source]
        for store in (self._keys, self._values):
            assert store is not None
            store[:, row, :, :length] = store[:, source, :, :length]
        self.lengths[row] = length

    def get_seq_length(self, layer_idx: int = 0) -> int:
        """Longest row; the model is always given explicit positions."""
        return int(self.lengths.max()) if len(self.lengths) else 0

    def _stores(self, like: Float[Tensor, "N H L D"]) -> tuple[Tensor, Tensor]:
        """Keys and values, (layers, rows, heads, capacity, head size), with room for the plan."""
        if self._keys is None or self._values is None:
            _, heads, _, size = like.shape
            shape = (self._layers, len(self.lengths), heads, self._needed + ROOM, size)
            # Zeros: what is masked has weight 0, and 0 × what memory held before may not be 0.
            self._keys, self._values = like.new_zeros(shape), like.new_zeros(shape)
        elif self._keys.shape[3] < self._needed:
            self._keys, self._values = (
                torch.nn.functional.pad(store, (0, 0, 0, self._needed + ROOM - store.shape[3]))
                for store in (self._keys, self._values)
            )
        return self._keys, self._values
