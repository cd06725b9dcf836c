"""What an encoder is, and encoders by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from igs_env.components import import_attribute
from igs_env.errors import ConfigurationError, unknown_name

Vectors = npt.NDArray[np.float32]
"""Shape (texts, dimensions)."""


@runtime_checkable
class Encoder(Protocol):
    """Texts as vectors whose inner product says how much two texts have to do with each other."""

    fingerprint: str
    """Equal for encoders that give equal vectors; an index is refused for another one."""

    def encode(self, texts: Sequence[str], /) -> Vectors:
        """One row per text, float32, of length 1 unless the encoder is meant otherwise."""
        ...


ENCODERS: dict[str, str] = {
    "minilm": "igs_env.retrievers.sentence_encoder:minilm",
    "wordllama": "igs_env.retrievers.sentence_encoder:wordllama",
    "hashing": "igs_env.retrievers.hashing_encoder:HashingEncoder",
}
"""Name → factory, called with the `encoder_kwargs`; imported on first use."""


def make_encoder(spec: str | Encoder, **kwargs: Any) -> Encoder:
    """The encoder that `spec` names.

    Args:
        spec: a key of `ENCODERS`; `module:attribute`, a factory called with `kwargs` or an
            encoder; a folder or hub name of a sentence-transformers model, which holds a `/`;
            or a live encoder.
        kwargs: arguments of the factory.

    Raises:
        ConfigurationError: unknown name, or an object without `encode` and `fingerprint`.
        MissingPackageError: the encoder needs a package that is not installed.

    >>> make_encoder("hashing", dimensions=64).encode(["Alien"]).shape
    (1, 64)
    """
    made = _make(spec, kwargs) if isinstance(spec, str) else spec
    if not isinstance(made, Encoder):
        raise ConfigurationError(
            f"encoder {spec!r} is {type(made).__name__}, which lacks encode(texts) or "
            "fingerprint; see igs_env.retrievers.encoder.Encoder"
        )
    return made


def _make(spec: str, kwargs: dict[str, Any]) -> Any:
    if spec in ENCODERS:
        return import_attribute("encoder", ENCODERS[spec])(**kwargs)
    if "/" in spec:
        return import_attribute("encoder", "igs_env.retrievers.sentence_encoder:SentenceEncoder")(
            spec, **kwargs
        )
    if ":" not in spec:
        raise ConfigurationError(
            f"{unknown_name('encoder', spec, ENCODERS)}; or give the folder or hub name of a "
            "sentence-transformers model (./folder, intfloat/e5-base-v2) or module:attribute"
        )
    found = import_attribute("encoder", spec)
    is_made = hasattr(found, "fingerprint") and not isinstance(found, type)
    return found if is_made else found(**kwargs)
