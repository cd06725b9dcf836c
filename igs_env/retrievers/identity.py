"""A retriever's identity: what a cache of its results is filed under."""

from __future__ import annotations

import hashlib
import json
from dataclasses import asdict, is_dataclass


def identity(*parts: object) -> str:
    """Short hash of JSON values and dataclasses, the same in every process.

    >>> identity("bm25", 1.5) == identity("bm25", 1.5), identity("bm25") == identity("dense")
    (True, False)
    """
    plain = [
        asdict(part) if is_dataclass(part) and not isinstance(part, type) else part
        for part in parts
    ]
    return hashlib.sha256(json.dumps(plain, sort_keys=True).encode()).hexdigest()[:32]
