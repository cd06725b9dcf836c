"""FAISS indexes over a corpus' embeddings: built, resumed, opened, refused."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import faiss

from igs_env.datasets.cache import only_process
from igs_env.datasets.corpus import Corpus
from igs_env.errors import ConfigurationError, DataError, IndexMismatchError
from igs_env.retrievers.after_fork import one_thread_after_fork
from igs_env.retrievers.checksums import check_whole, write_checksums
from igs_env.retrievers.embeddings import Embeddings
from igs_env.retrievers.encoder import Encoder
from igs_env.retrievers.index_card import IndexCard
from igs_env.retrievers.progress import DocumentProgress

VECTORS = "vectors.faiss"
TRAINED_ON = 262_144
"""Embeddings that an index with centroids is trained on, at most."""

# From this many queries on, flat search is a matrix product. FAISS 1.15 ships 128,000, which
# makes the batches of a rollout up to five times slower.
faiss.cvar.distance_compute_blas_threshold = 20
one_thread_after_fork(faiss.omp_set_num_threads)


def dense_card(corpus: Corpus, encoder: Encoder, factory: str, passage_prefix: str) -> IndexCard:
    """Identity of the index that `build_dense_index` builds from the same arguments."""
    return IndexCard(
        kind="dense",
        corpus=corpus.fingerprint,
        documents=len(corpus),
        settings={
            "encoder": encoder.fingerprint,
            "factory": factory,
            "passage_prefix": passage_prefix,
        },
    )


def build_dense_index(
    corpus: Corpus, encoder: Encoder, folder: Path, *, factory: str = "Flat", passage_prefix: str
) -> IndexCard:
    """Build the index of `corpus` in `folder`; nothing to do where it is there already.

    Work goes to `<folder>.building`, embeddings first. After a kill the next call goes on with
    the chunk that was being written. It needs twice the embeddings' size on disk meanwhile.

    Args:
        corpus: what is to be found.
        encoder: embeds the documents.
        folder: where the index goes.
        factory: FAISS' factory string, `Flat`, `HNSW32`, `IVF4096,PQ96`, …
        passage_prefix: put in front of every document before it is encoded.

    Raises:
        IndexMismatchError: `folder`, or the work begun beside it, is of another corpus, encoder
            or setting.
        ConfigurationError: a factory string that FAISS does not take.
    """
    card = dense_card(corpus, encoder, factory, passage_prefix)
    building = folder.with_name(f"{folder.name}.building")
    folder.parent.mkdir(parents=True, exist_ok=True)
    with only_process(folder.with_name(f"{folder.name}.lock")):
        if folder.exists():
            IndexCard.read(folder).check(card, folder)
            return card
        _begin(building, card)
        embeddings = Embeddings(
            folder=building / "embeddings", corpus=corpus, encoder=encoder, prefix=passage_prefix
        )
        if not (building / VECTORS).exists():
            embeddings.write()
            _write_index(_index_of(embeddings, factory), building / VECTORS)
        shutil.rmtree(embeddings.folder, ignore_errors=True)
        write_checksums(building)
        building.rename(folder)
    return card


def open_dense_index(folder: Path, card: IndexCard) -> Any:
    """The memory-mapped FAISS index in `folder`, which must be the one that `card` describes.

    Raises:
        DataError: there is no index, or it is damaged.
        IndexMismatchError: it belongs to another corpus, encoder or setting.
    """
    IndexCard.read(folder).check(card, folder)
    check_whole(folder)
    return read_index(folder / VECTORS)


def open_bare_index(file: Path, corpus: Corpus, dimensions: int) -> Any:
    """A FAISS file that somebody else built, such as Search-R1's `e5_Flat.index`.

    It says nothing about where it comes from: only the number of vectors and their dimensions
    can be held against the corpus and the encoder.

    Raises:
        IndexMismatchError: one of the two differs.
    """
    index = read_index(file)
    if index.ntotal != len(corpus) or index.d != dimensions:
        raise IndexMismatchError(
            f"index {file} holds {index.ntotal:,} vectors of {index.d} dimensions; the corpus has "
            f"{len(corpus):,} documents and the encoder gives {dimensions} dimensions; give the "
            "corpus and the encoder that it was built from"
        )
    return index


def _begin(building: Path, card: IndexCard) -> None:
    if building.exists():
        try:
            IndexCard.read(building).check(card, building)
        except DataError as error:
            raise IndexMismatchError(
                f"{building} holds work on another index ({error}); delete it, or build elsewhere"
            ) from error
    else:
        building.mkdir()
        card.write(building)


def _index_of(embeddings: Embeddings, factory: str) -> Any:
    dimensions = next(iter(embeddings)).shape[1]
    try:
        index = faiss.index_factory(dimensions, factory, faiss.METRIC_INNER_PRODUCT)
        if not index.is_trained:
            index.train(embeddings.sample(TRAINED_ON))
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[0]
        raise ConfigurationError(
            f"factory {factory!r} cannot index {len(embeddings.corpus):,} vectors of {dimensions} "
            f"dimensions: {reason}; see FAISS' wiki for factory strings, or take Flat"
        ) from error
    progress = DocumentProgress("Indexing", len(embeddings.corpus))
    for chunk in embeddings:
        index.add(chunk)
        progress(index.ntotal)
    progress.close()
    return index


def _write_index(index: Any, path: Path) -> None:
    partial = path.with_suffix(".partial")
    faiss.write_index(index, str(partial))
    partial.replace(path)


def read_index(file: Path) -> Any:
    """A FAISS file, memory-mapped where its kind allows; `DataError` where it cannot be read."""
    try:
        return faiss.read_index(str(file), faiss.IO_FLAG_MMAP_IFC)
    except RuntimeError as error:
        reason = str(error).strip().splitlines()[-1]
        raise DataError(
            f"index {file} cannot be read ({reason}); build one with: "
            "igs index --corpus … --output …"
        ) from error
