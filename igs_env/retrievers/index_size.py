"""Bytes of a FAISS index, from its factory string."""

from __future__ import annotations

import re

_HNSW = re.compile(r"HNSW(\d+)(?:,(.+)|_(.+))?")
_IVF = re.compile(r"IVF(\d+)(?:_HNSW\d+)?,(.+)")
_PQ = re.compile(r"PQ(\d+)(?:x(\d+))?(?:fs|fsr)?")
_SCALAR = {"SQ8": 1.0, "SQ6": 0.75, "SQ4": 0.5, "SQfp16": 2.0, "SQbf16": 2.0}
"""Bytes per dimension."""


def index_bytes(factory: str, vectors: int, dimensions: int) -> int | None:
    """Bytes of the index on disk, and in memory once all of it has been read; None if unknown.

        Flat        4 d                        per vector, fp32
        SQ8         d                          SQfp16 2 d, SQ6 ¾ d, SQ4 ½ d
        PQm[xb]     m b / 8                    b = 8 bits by default
        HNSWm[,X]   X + 8 m + 4 m/(m−1) + 16   links: 2 m on the ground floor, m above it
        IVFk,X      X + 8                      the list's ids; 4 k d for its centroids

    Args:
        factory: `Flat`, `HNSW32`, `HNSW32,SQ8`, `IVF65536,PQ96`, …
        vectors: how many.
        dimensions: of one, d.

    >>> [round(index_bytes(f, 21_000_000, 768) / 1e9, 1) for f in ("Flat", "SQ8", "IVF65536,PQ96")]
    [64.5, 16.1, 2.4]
    """
    found = _per_vector(factory, dimensions)
    return None if found is None else round(vectors * found + _fixed(factory, dimensions))


def _per_vector(factory: str, dimensions: int) -> float | None:
    if factory == "Flat":
        return 4.0 * dimensions
    if factory in _SCALAR:
        return _SCALAR[factory] * dimensions
    if match := _PQ.fullmatch(factory):
        return int(match[1]) * int(match[2] or 8) / 8
    if match := _HNSW.fullmatch(factory):
        inner = _per_vector(match[2] or match[3] or "Flat", dimensions)
        links = int(match[1])
        # A level, an offset, and one level above the ground for every m-th vector.
        return None if inner is None else inner + 8 * links + 4 * links / (links - 1) + 16
    if match := _IVF.fullmatch(factory):
        inner = _per_vector(match[2], dimensions)
        return None if inner is None else inner + 8
    return None


def _fixed(factory: str, dimensions: int) -> float:
    match = _IVF.fullmatch(factory)
    centroids = 4.0 * dimensions * int(match[1]) if match else 0.0
    # A product quantiser's codebooks: 2ᵇ centroids that together have d dimensions.
    codes = _PQ.search(factory)
    return centroids + (4.0 * dimensions * 2 ** int(codes[2] or 8) if codes else 0.0)
