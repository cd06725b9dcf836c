"""Memory of a GPU while training, from the sizes of the model and of an update."""

from __future__ import annotations

from dataclasses import dataclass

from igs_agent.config import TrainConfig
from igs_agent.doctor.episode_size import EpisodeSize
from igs_agent.doctor.model_shape import ModelShape

WIDTHS: dict[str, int] = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Bytes of a number."""
LOGIT_BYTES = 12
"""Of a logit at most, in fp32: the policy's probabilities, and a reference's logits beside their
tempered copy. Without a reference it is a third of that, or half under autocast."""
MARGIN = 1.1
"""*Ours*: what fragmentation and temporary buffers take beyond the sum."""
CONTEXT = 10**9
"""Bytes of the CUDA context and its libraries, about."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """Bytes on one GPU."""

    state: float
    """Weights, gradients and AdamW's two moments."""
    reference: float
    """Weights of the policy before training, for the KL term."""
    keys_values: float
    """Of the episodes alive, once more while rows are regrouped."""
    kept: float
    """Keys and values of episodes that are over, held until their gains are measured."""
    update: float
    """Activations, logits and bf16 copies of weights in one forward and backward."""

    @property
    def total(self) -> float:
        """Rollouts and updates follow each other; the larger of the two counts."""
        held = self.state + self.reference + max(self.keys_values + self.kept, self.update)
        return MARGIN * held + CONTEXT


def footprint(
    config: TrainConfig,
    shape: ModelShape,
    size: EpisodeSize,
    *,
    gpus: int = 1,
    kept_limit: float = 0.0,
) -> Footprint:
    """Peak memory per GPU, or of a CPU's process, in bytes.

        state       b P (1 + 3 τ)                τ the trained share of the weights; AdamW's
                                                 moments have the weights' type
        reference   b P                          where loss.kl > 0
        keys_values 2 · 2 b L w_kv · rows · T    rows = min(max_rows, questions · group)
        kept        2 b L w_kv · questions · group · T, at most kept_limit; on a CPU only, as
                    `igs_agent.generation.warm` does, see `warm_limit` there
        update      a m + 12 V m_trained + c     m = max(batch_tokens, T) tokens at once

    with P parameters, b bytes of a number, L layers, T tokens of the longest episode, V the
    vocabulary, m_trained the policy's share of m, and c = 2 P for autocast's bf16 copies. The
    activations per token, a, are what PyTorch's autograd keeps of a Llama or Qwen2 layer (two
    norms with input, normalised and scaled output; queries, keys, values, the attention's output;
    four of the gated layer's width): b L (6h + 2 w_q + 2 w_kv + 4f), under autocast
    L (28h + 4 w_q + 4 w_kv + 8f); with gradient checkpointing 4 L h and one layer of the former.

    With several GPUs, weights, gradients, moments and reference are sharded evenly, and so are
    the episodes alive; a micro-batch stays whole.
    """
    width, parameters = WIDTHS[config.policy.dtype], shape.parameters
    rank = config.policy.lora_rank
    trained = shape.adapter_parameters(rank) if rank else parameters
    rows = min(config.rollout.max_rows, config.rollout.questions * config.rollout.group_size)
    per_token = 2 * width * shape.layers * shape.key_width
    return Footprint(
        state=width * (parameters + (trained if rank else 0) + 3 * trained) / gpus,
        reference=width * parameters * (config.loss.kl > 0) / gpus,
        keys_values=2 * per_token * rows * size.total / gpus,
        kept=min(
            kept_limit,
            per_token * config.rollout.questions * config.rollout.group_size * size.total,
        ),
        update=_update(config, shape, size),
    )


def activation_bytes(config: TrainConfig, shape: ModelShape) -> float:
    """Bytes per token that a forward pass keeps for its backward pass, logits left out."""
    width = WIDTHS[config.policy.dtype]
    h, q, kv, f = shape.hidden, shape.query_width, shape.key_width, shape.feed_forward
    layer = width * (6 * h + 2 * q + 2 * kv + 4 * f)
    if config.optim.autocast and width == 4:
        layer = 28 * h + 4 * q + 4 * kv + 8 * f
    if config.policy.gradient_checkpointing:
        return width * shape.layers * h + layer
    return shape.layers * layer


def _update(config: TrainConfig, shape: ModelShape, size: EpisodeSize) -> float:
    tokens = max(config.optim.batch_tokens, size.total)
    logits = LOGIT_BYTES * shape.vocabulary * tokens * size.written / size.total
    copies = (
        2 * shape.parameters if config.optim.autocast and config.policy.dtype == "float32" else 0
    )
    return activation_bytes(config, shape) * tokens + logits + copies
