"""Query embeddings, remembered: the encoder is what a dense search waits for."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from threading import Lock

import numpy as np

from igs_env.retrievers.embeddings import checked_vectors
from igs_env.retrievers.encoder import Encoder, Vectors


class QueryVectors:
    """Embeddings of queries; the last `capacity` are kept.

    >>> from igs_env.retrievers.encoder import make_encoder
    >>> vectors = QueryVectors(make_encoder("hashing", dimensions=8), prefix="query: ")
    >>> vectors(["Alien", "Aliens"]).shape
    (2, 8)
    """

    def __init__(self, encoder: Encoder, *, prefix: str = "", capacity: int = 16_384) -> None:
        """`prefix`: put in front of every query before it is encoded."""
        self._encoder = encoder
        self._prefix = prefix
        self._capacity = capacity
        self._kept: OrderedDict[str, Vectors] = OrderedDict()
        # A sentence-transformers model must not encode in two threads at once either.
        self._lock = Lock()

    def __call__(self, queries: Sequence[str]) -> Vectors:
        """One row per query; those not kept are encoded in one batch."""
        with self._lock:
            new = [query for query in dict.fromkeys(queries) if query not in self._kept]
            if new:
                texts = [self._prefix + query for query in new]
                self._kept.update(zip(new, checked_vectors(self._encoder, texts), strict=True))
            rows = np.stack([self._kept[query] for query in queries])
            for query in queries:
                self._kept.move_to_end(query)
            while len(self._kept) > self._capacity:
                self._kept.popitem(last=False)
            return rows
