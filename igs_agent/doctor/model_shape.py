"""The sizes of a decoder's layers, and how many parameters they amount to."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from igs_env.errors import ConfigurationError


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """A Llama- or Qwen2-shaped decoder: grouped-query attention and a gated feed-forward layer."""

    layers: int
    hidden: int
    heads: int
    kv_heads: int
    feed_forward: int
    vocabulary: int
    context: int
    """Most tokens of a sequence (`max_position_embeddings`)."""
    tied: bool
    """Input and output embedding are one matrix."""
    biased: bool = False
    """Queries, keys and values have biases (Qwen2)."""
    head_size: int = 0
    """0: hidden / heads."""

    @property
    def query_width(self) -> int:
        """Numbers in all heads' queries of a token."""
        return self.heads * (self.head_size or self.hidden // self.heads)

    @property
    def key_width(self) -> int:
        """Numbers in a layer's keys of a token; values have as many."""
        return self.kv_heads * (self.head_size or self.hidden // self.heads)

    @property
    def parameters(self) -> int:
        """Weights of the model, a tied embedding counted once.

        >>> f"{QWEN25['0.5B'].parameters:,} {QWEN25['3B'].parameters:,}"
        '494,032,768 3,085,938,688'
        """
        q, kv = self.query_width, self.key_width
        attention = 2 * self.hidden * q + 2 * self.hidden * kv + self.biased * (q + 2 * kv)
        layer = attention + 3 * self.hidden * self.feed_forward + 2 * self.hidden
        embeddings = (1 if self.tied else 2) * self.vocabulary * self.hidden
        return embeddings + self.layers * layer + self.hidden

    def adapter_parameters(self, rank: int) -> int:
        """Weights of a LoRA adapter on all linear layers: r (in + out) for each."""
        q, kv, h, f = self.query_width, self.key_width, self.hidden, self.feed_forward
        widths = 2 * (h + q) + 2 * (h + kv) + 3 * (h + f)
        return rank * widths * self.layers


def _qwen25(
    layers: int, hidden: int, heads: int, kv_heads: int, feed_forward: int, *, large: bool
) -> ModelShape:
    return ModelShape(
        layers=layers,
        hidden=hidden,
        heads=heads,
        kv_heads=kv_heads,
        feed_forward=feed_forward,
        vocabulary=152_064 if large else 151_936,
        context=32_768,
        tied=not large,
        biased=True,
    )


QWEN25: dict[str, ModelShape] = {
    "0.5B": _qwen25(24, 896, 14, 2, 4_864, large=False),
    "1.5B": _qwen25(28, 1_536, 12, 2, 8_960, large=False),
    "3B": _qwen25(36, 2_048, 16, 2, 11_008, large=False),
    "7B": _qwen25(28, 3_584, 28, 4, 18_944, large=True),
    "14B": _qwen25(48, 5_120, 40, 8, 13_824, large=True),
    "32B": _qwen25(64, 5_120, 40, 8, 27_648, large=True),
}
"""Size → shape, from the published `config.json` of each model (Qwen2.5 technical report, arXiv
2412.15115, table 1). For an estimate before the model is there."""


def known_shape(path: str) -> ModelShape | None:
    """The shape that a model's name tells, where it is one of `QWEN25`.

    >>> shape = known_shape("Qwen/Qwen2.5-3B-Instruct")
    >>> shape == QWEN25["3B"], known_shape("some/model")
    (True, None)
    """
    parts = path.rstrip("/").rpartition("/")[2].lower().split("-")
    sizes = {size.lower(): shape for size, shape in QWEN25.items()}
    return sizes.get(parts[1]) if len(parts) > 1 and parts[0] == "qwen2.5" else None


def read_shape(config: Path) -> ModelShape:
    """The shape in a model's `config.json`.

    Raises:
        ConfigurationError: it is no JSON, or lacks a size that Llama and Qwen2 have.
    """
    try:
        return _shape(json.loads(config.read_text(encoding="utf-8")))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{config} is no configuration of a Llama- or Qwen2-shaped model ({error!r}); fetch "
            "the model again, or take another"
        ) from error


def _shape(settings: Mapping[str, Any]) -> ModelShape:
    heads = int(settings["num_attention_heads"])
    return ModelShape(
        layers=int(settings["num_hidden_layers"]),
        hidden=int(settings["hidden_size"]),
        heads=heads,
        kv_heads=int(settings.get("num_key_value_heads") or heads),
        feed_forward=int(settings["intermediate_size"]),
        vocabulary=int(settings["vocab_size"]),
        context=int(settings["max_position_embeddings"]),
        # What a configuration leaves out is false for both in transformers' Llama and Qwen2.
        tied=bool(settings.get("tie_word_embeddings", False)),
        biased=settings.get("model_type") == "qwen2" or bool(settings.get("attention_bias")),
        head_size=int(settings.get("head_dim") or 0),
    )
