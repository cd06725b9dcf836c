"""What a factory string costs, held against the files that FAISS writes."""

from __future__ import annotations

import faiss
import numpy as np
import pytest

from igs_env.retrievers.index_size import index_bytes

N, D = 6_000, 64


@pytest.fixture(scope="module", autouse=True)
def _one_thread():
    before = faiss.omp_get_max_threads()
    faiss.omp_set_num_threads(1)
    yield
    faiss.omp_set_num_threads(before)


@pytest.mark.parametrize(
    "factory",
    [
        "Flat",
        "SQ8",
        "SQfp16",
        "PQ8x4",
        "HNSW8",
        "HNSW16,SQ8",
        "IVF16,Flat",
        "IVF32,PQ16x4",
        "IVF16,SQ8",
    ],
)
def test_the_size_is_that_of_the_file_within_three_percent(factory):
    index = faiss.index_factory(D, factory, faiss.METRIC_INNER_PRODUCT)
    vectors = np.random.default_rng(0).standard_normal((N, D), dtype=np.float32)
    if hasattr(index, "hnsw"):
        index.hnsw.efConstruction = 8
    index.train(vectors[:1500])
    index.add(vectors)
    written = len(faiss.serialize_index(index))
    assert index_bytes(factory, N, D) == pytest.approx(written, rel=0.03)


def test_flat_vectors_are_four_bytes_per_dimension():
    assert index_bytes("Flat", 21_015_324, 768) == 21_015_324 * 768 * 4


def test_an_unknown_factory_has_no_size():
    assert index_bytes("LSH", 10, 64) is None
    assert index_bytes("IVF16,LSH", 10, 64) is None
