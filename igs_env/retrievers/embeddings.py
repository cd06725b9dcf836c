"""A corpus' embeddings on disk, in chunks, so that a killed run goes on where it was."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from igs_env.datasets.contents import format_contents
from igs_env.datasets.corpus import Corpus
from igs_env.errors import ConfigurationError
from igs_env.retrievers.encoder import Encoder, Vectors
from igs_env.retrievers.progress import DocumentProgress

CHUNK = 1024
"""Documents per file: what a kill costs at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Embeddings:
    """Embeddings of `corpus` in `folder`, in corpus order."""

    folder: Path
    corpus: Corpus
    encoder: Encoder
    prefix: str
    """Put in front of every document before it is encoded."""

    def write(self) -> None:
        """Encode every chunk that is not there yet.

        Raises:
            ConfigurationError: the encoder gave something else than one finite row per text.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        total = len(self.corpus)
        progress = DocumentProgress("Encoding", total)
        for start in range(0, total, CHUNK):
            progress(start)
            path = self._path(start)
            if not _is_whole(path, rows=min(CHUNK, total - start)):
                _write(path, self._encode(start))
        progress.close()

    def __iter__(self) -> Iterator[Vectors]:
        """Chunks of rows, in corpus order."""
        for start in range(0, len(self.corpus), CHUNK):
            yield np.load(self._path(start))

    def sample(self, most: int) -> Vectors:
        """At most about `most` rows, evenly spaced."""
        stride = max(1, -(-len(self.corpus) // most))
        return np.concatenate([chunk[::stride] for chunk in self])

    def _path(self, start: int) -> Path:
        return self.folder / f"{start // CHUNK:06d}.npy"

    def _encode(self, start: int) -> Vectors:
        stop = min(start + CHUNK, len(self.corpus))
        texts = [self.prefix + format_contents(self.corpus[i]) for i in range(start, stop)]
        return checked_vectors(self.encoder, texts)


def checked_vectors(encoder: Encoder, texts: list[str]) -> Vectors:
    """`encoder.encode(texts)`, or `ConfigurationError` unless it is one finite row per text."""
    vectors = np.ascontiguousarray(encoder.encode(texts), dtype=np.float32)
    if vectors.ndim != 2 or len(vectors) != len(texts):
        raise ConfigurationError(
            f"{type(encoder).__name__}.encode gave shape {vectors.shape} for {len(texts)} texts; "
            "it must give one row per text"
        )
    if not np.isfinite(vectors).all():
        raise ConfigurationError(
            f"{type(encoder).__name__}.encode gave values that are not finite; try dtype='float32'"
        )
    return vectors


def _is_whole(path: Path, *, rows: int) -> bool:
    try:
        return len(np.load(path, mmap_mode="r")) == rows
    except (OSError, ValueError, EOFError):
        return False


def _write(path: Path, vectors: Vectors) -> None:
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        np.save(file, vectors)
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
