"""Keys and values of rollouts that are over, for who reads the same tokens next."""

from __future__ import annotations

import os

from igs_agent.generation.rows import Kept

SHARE = 1 / 8
"""*Ours*: of the machine's memory. What is free at the moment is not asked: which contexts are
warm decides how sums are rounded, and the same seed must give the same loss, bit for bit."""


def warm_limit() -> int:
    """Bytes that may be held."""
    return int(SHARE * os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))


class WarmContexts:
    """What a generator kept of each sequence when it was released, as far as memory goes.

    Only as long as the policy's weights are those that it was computed with: whoever fills it
    throws it away before the update.
    """

    def __init__(self, limit: int | None = None) -> None:
        """Hold at most `limit` bytes, by default an eighth of the machine's memory."""
        self._limit = warm_limit() if limit is None else limit
        self._kept: dict[str, tuple[Kept, int]] = {}
        self._held: set[int] = set()
        self.bytes = 0
        """Of what is held; what several sequences share counts once."""

    def add(self, key: str, kept: Kept, length: int) -> None:
        """Hold what was kept of a sequence's first `length` tokens, if there is room for it."""
        more = 0 if id(kept) in self._held else kept.keys.nbytes + kept.values.nbytes
        if self.bytes + more <= self._limit:
            kept.take_out()
            self.bytes += more
            self._held.add(id(kept))
            self._kept[key] = (kept, length)

    def get(self, key: str) -> tuple[Kept, int] | None:
        """(keys and values, how many tokens of them are the sequence's); None if not held."""
        return self._kept.get(key)

    def __len__(self) -> int:
        """Sequences that are held."""
        return len(self._kept)
