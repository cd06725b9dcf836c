"""`cached`: a retriever that remembers, in memory and on disk."""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from igs_env.datasets.cache import cache_folder
from igs_env.datasets.corpus import Corpus
from igs_env.errors import ConfigurationError, RetrievalError
from igs_env.retrievers.contract import Found, Retriever, all_found, search_each
from igs_env.retrievers.identity import identity
from igs_env.retrievers.registry import make_retriever
from igs_env.retrievers.result_store import ResultStore
from igs_env.types import Document


class CachedRetriever:
    """Asks `retriever` only for what it has not been asked before.

    Results are filed under the retriever's fingerprint, the query and `top_k`. A failed search
    is not remembered.
    """

    def __init__(
        self,
        retriever: Retriever,
        *,
        fingerprint: str,
        store: ResultStore | None = None,
        capacity: int = 65_536,
    ) -> None:
        """Remember for `retriever`.

        Args:
            retriever: asked for what is not known.
            fingerprint: says which retriever's results these are.
            store: on disk; None remembers in memory only.
            capacity: results kept in memory, those last used.
        """
        self.fingerprint = fingerprint
        self.hits = self.misses = 0
        """Distinct queries of each batch that were known, and that were asked and answered."""
        self._retriever, self._store, self._capacity = retriever, store, capacity
        self._memory: OrderedDict[str, tuple[Document, ...]] = OrderedDict()

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """What the retriever finds, or found."""
        keys = {query: identity(self.fingerprint, query, top_k) for query in queries}
        known = self._known(list(keys.values()))
        new = [query for query, key in keys.items() if key not in known]
        found = dict(zip(new, search_each(self._retriever, new, top_k), strict=True))
        results = {
            keys[query]: documents
            for query, documents in found.items()
            if not isinstance(documents, RetrievalError)
        }
        if self._store is not None and results:
            self._store.put(results)
        known |= results
        self._remember(known)
        self.hits += len(keys) - len(new)
        self.misses += len(results)
        became: dict[str, Found] = {query: known.get(key, ()) for query, key in keys.items()}
        became.update(found)
        return all_found(self, [became[query] for query in queries])

    def _known(self, keys: list[str]) -> dict[str, tuple[Document, ...]]:
        remembered = ((key, self._memory.get(key)) for key in keys)
        known = {key: documents for key, documents in remembered if documents is not None}
        if self._store is not None and len(known) < len(keys):
            known |= self._store.get(key for key in keys if key not in known)
        return known

    def _remember(self, results: Mapping[str, tuple[Document, ...]]) -> None:
        for key, documents in results.items():
            self._memory.pop(key, None)
            self._memory[key] = documents
        while len(self._memory) > self._capacity:
            self._memory.popitem(last=False)


def cached(
    corpus: Corpus | None = None,
    *,
    retriever: str | Retriever = "bm25",
    retriever_kwargs: Mapping[str, Any] | None = None,
    path: str | os.PathLike[str] | None = None,
    capacity: int = 65_536,
    fingerprint: str | None = None,
) -> CachedRetriever:
    """A retriever that remembers what it was asked.

    Args:
        corpus: what `retriever` searches.
        retriever: see `make_retriever`. The results of a server are filed under its address:
            delete the file when the server gets another corpus.
        retriever_kwargs: its arguments.
        path: SQLite file; None is `results.sqlite` in the cache folder, `:memory:` no file.
        capacity: results kept in memory.
        fingerprint: needed for a retriever that has no `fingerprint` of its own.

    Raises:
        ConfigurationError: no fingerprint, or a file that cannot be used.
    """
    made = make_retriever(retriever, corpus, **(retriever_kwargs or {}))
    own = fingerprint or getattr(made, "fingerprint", None)
    if not isinstance(own, str):
        raise ConfigurationError(
            f"{type(made).__name__} has no fingerprint, so its results cannot be told from "
            "another retriever's; give it one, or pass fingerprint="
        )
    in_memory = path is not None and os.fspath(path) == ":memory:"
    file = Path(path) if path is not None else cache_folder() / "results.sqlite"
    return CachedRetriever(
        made,
        fingerprint=own,
        store=None if in_memory else ResultStore(file),
        capacity=capacity,
    )
