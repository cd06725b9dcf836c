"""`dense`: search by embeddings, through FAISS and any encoder."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from igs_env.datasets.cache import cache_folder, file_key
from igs_env.datasets.corpus import Corpus
from igs_env.errors import ConfigurationError, IndexMismatchError, unknown_name
from igs_env.retrievers.checksums import drop_damaged
from igs_env.retrievers.dense_index import (
    build_dense_index,
    dense_card,
    open_bare_index,
    open_dense_index,
)
from igs_env.retrievers.encoder import Encoder, make_encoder
from igs_env.retrievers.identity import identity
from igs_env.retrievers.index_card import IndexCard
from igs_env.retrievers.prefixes import default_prefixes
from igs_env.retrievers.query_vectors import QueryVectors
from igs_env.types import Document

CHECKS = ("fingerprint", "size")


class DenseRetriever:
    """Documents whose embeddings have the largest inner product with the query's.

    A query that the encoder embeds as zero, one without words for `hashing`, finds nothing.
    Scores are rounded to five decimals and equal ones put in corpus order. FAISS and a padded
    batch give the same query scores that differ by about 1e-7 from batch to batch; the rounding
    keeps documents of equal text in one order.
    """

    def __init__(
        self, corpus: Corpus, index: Any, vectors: QueryVectors, *, fingerprint: str
    ) -> None:
        """Search `index`, whose i-th vector is the i-th document of `corpus`."""
        self._corpus, self._index, self._vectors = corpus, index, vectors
        self.fingerprint = fingerprint
        """Equal for retrievers that find the same."""

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """The `top_k` nearest documents of each query; fewer from an approximate index."""
        if not queries:
            return []
        vectors = self._vectors(queries)
        scores, positions = self._index.search(vectors, min(top_k, len(self._corpus)))
        positions[~vectors.any(axis=1)] = -1
        return [
            self._documents(*row)
            for row in zip(
                scores.astype(np.float64).round(5).tolist(), positions.tolist(), strict=True
            )
        ]

    def _documents(self, scores: list[float], positions: list[int]) -> tuple[Document, ...]:
        # FAISS fills up with −1 what an approximate index did not find.
        found = sorted((-s, i) for s, i in zip(scores, positions, strict=True) if i >= 0)
        return tuple(replace(self._corpus[i], score=-negative) for negative, i in found)


def dense(
    corpus: Corpus,
    *,
    encoder: str | Encoder = "minilm",
    encoder_kwargs: Mapping[str, Any] | None = None,
    index: str | os.PathLike[str] | None = None,
    factory: str | None = None,
    search_parameters: str = "",
    query_prefix: str | None = None,
    passage_prefix: str | None = None,
    check: str = "fingerprint",
) -> DenseRetriever:
    """A dense retriever over `corpus`.

    Args:
        corpus: what is searched.
        encoder: see `make_encoder`.
        encoder_kwargs: arguments of the encoder's factory.
        index: folder that `igs index` wrote, or a bare FAISS file. Default: the cache folder,
            where the index is built on first use.
        factory: FAISS' factory string of the index; None is that of `index`, or `Flat`.
        search_parameters: FAISS' own, such as `nprobe=32` or `efSearch=128`.
        query_prefix: put in front of queries; None is what E5's and BGE's authors prescribe for
            their models, and nothing for others.
        passage_prefix: likewise for documents; None is that of `index` where one is given.
        check: `fingerprint`, or `size` for a bare FAISS file, which has no fingerprint: then
            only the number of vectors and their dimensions are checked, and a warning says so.

    Raises:
        IndexMismatchError: the index belongs to another corpus, encoder or setting.
        DataError: there is no index at `index`.
    """
    if check not in CHECKS:
        raise unknown_name("check", check, CHECKS)
    made = make_encoder(encoder, **(encoder_kwargs or {}))
    prefixes = default_prefixes(encoder if isinstance(encoder, str) else "")
    query_prefix = prefixes.query if query_prefix is None else query_prefix
    if index is None:
        prefix = prefixes.passage if passage_prefix is None else passage_prefix
        opened, fingerprint = _open_built(corpus, made, factory or "Flat", prefix)
    elif Path(index).is_file():
        opened, fingerprint = _open_bare(Path(index), corpus, made, check)
    else:
        opened, fingerprint = _open_saved(Path(index), corpus, made, factory, passage_prefix)
    _set(opened, search_parameters)
    return DenseRetriever(
        corpus,
        opened,
        QueryVectors(made, prefix=query_prefix),
        fingerprint=identity(fingerprint, query_prefix, search_parameters),
    )


def _open_built(corpus: Corpus, encoder: Encoder, factory: str, prefix: str) -> tuple[Any, str]:
    name = identity(dense_card(corpus, encoder, factory, prefix))
    folder = cache_folder() / "dense" / name
    drop_damaged(folder)
    card = build_dense_index(corpus, encoder, folder, factory=factory, passage_prefix=prefix)
    return open_dense_index(folder, card), name


def _open_saved(
    folder: Path, corpus: Corpus, encoder: Encoder, factory: str | None, prefix: str | None
) -> tuple[Any, str]:
    saved = IndexCard.read(folder).settings
    card = dense_card(
        corpus,
        encoder,
        str(saved.get("factory")) if factory is None else factory,
        str(saved.get("passage_prefix")) if prefix is None else prefix,
    )
    return open_dense_index(folder, card), identity(card)


def _open_bare(file: Path, corpus: Corpus, encoder: Encoder, check: str) -> tuple[Any, str]:
    if check != "size":
        raise IndexMismatchError(
            f"index {file} is a bare FAISS file: it does not say which corpus and encoder it "
            "belongs to; pass check='size' to use it after its sizes alone have been checked, or "
            "build one with: igs index --corpus … --output …"
        )
    warnings.warn(
        f"index {file} carries no fingerprint: only its sizes are checked. If it was built from "
        "other documents or with another encoder, every search finds the wrong documents.",
        stacklevel=3,
    )
    dimensions = encoder.encode(["dimensions"]).shape[1]
    fingerprint = identity(file_key(file, 1), corpus.fingerprint, encoder.fingerprint)
    return open_bare_index(file, corpus, dimensions), fingerprint


def _set(index: Any, parameters: str) -> None:
    if not parameters:
        return
    space: Any = faiss.ParameterSpace()
    try:
        space.set_index_parameters(index, parameters)
    except RuntimeError as error:
        raise ConfigurationError(
            f"search_parameters {parameters!r} do not suit this index "
            f"({type(index).__name__}): {str(error).strip().splitlines()[-1]}; an IVF index takes "
            "nprobe=32, an HNSW index efSearch=128, a flat one nothing"
        ) from error
