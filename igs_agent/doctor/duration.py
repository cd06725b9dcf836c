"""Time of an update, from its floating-point operations and bytes. A model until measured."""

from __future__ import annotations

from dataclasses import dataclass

from igs_agent.config import TrainConfig
from igs_agent.doctor.episode_size import ANSWER, EpisodeSize
from igs_agent.doctor.footprint import WIDTHS
from igs_agent.doctor.model_shape import ModelShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a processor does in a second, as its maker states it."""

    name: str
    flops: float
    """bf16 matrix products, dense."""
    flops_float32: float
    bandwidth: float
    """Bytes from memory."""


H100 = Machine(name="H100", flops=989e12, flops_float32=67e12, bandwidth=3.35e12)
"""SXM5, 80 GB (NVIDIA's data sheet)."""
CORE = Machine(name="CPU core", flops=100e9, flops_float32=55e9, bandwidth=10e9)
"""One core of an AVX512-BF16 server, as a model of 135 M parameters reached it: 203 tokens per
second scored in fp32 and 353 in bf16, 63 and 117 trained."""
REACHED, REACHED_BANDWIDTH = 0.4, 0.6
"""*Ours*: shares of a GPU's peak that training and decoding reach."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """Seconds of one update; retrieval is not in it."""

    rollout: float
    gain: float
    update: float

    @property
    def total(self) -> float:
        """The parts follow each other."""
        return self.rollout + self.gain + self.update


def duration(
    config: TrainConfig,
    shape: ModelShape,
    size: EpisodeSize,
    *,
    machine: Machine = H100,
    count: int = 1,
) -> Duration:
    """Seconds of an update in which every episode is as long as it may be.

        rollout  2 P R (T − W) / F  +  steps · (b P + keys and values in use) / B
        gain     2 P R S (A + N (D + A)) / F          where the estimator reads gains
        update   (6 P, with checkpointing 8 P) R T e / F,  and 2 P R T e / F with a reference

    with P parameters, R episodes of T tokens of which W are written, S searches with D tokens of
    documents each, A tokens of an answer, N counterfactuals, e epochs; F operations and B bytes
    that the machine reaches per second, `count` times that with several; steps the turns of
    `max_tokens` for as many batches of `max_rows` as are needed. Rollouts, gains and the
    reference run in the policy's own type, the update in bf16 under autocast.
    """
    reached = (REACHED, REACHED_BANDWIDTH) if machine is not CORE else (1.0, 1.0)
    half = machine.flops * reached[0] * count
    own = half if WIDTHS[config.policy.dtype] == 2 else machine.flops_float32 * reached[0] * count
    trained = half if config.optim.autocast else own
    episodes = config.rollout.questions * config.rollout.group_size
    tokens = episodes * size.total
    read = 2 * shape.parameters * (tokens - episodes * size.written) / own
    passes = 8 if config.policy.gradient_checkpointing else 6
    learned = passes * shape.parameters * tokens / trained
    compared = 2 * shape.parameters * tokens / own if config.loss.kl > 0 else 0.0
    return Duration(
        rollout=read + _decoding(config, shape, size, machine.bandwidth * reached[1] * count),
        gain=_branch_tokens(config, size) * episodes * 2 * shape.parameters / own,
        update=config.optim.epochs * (learned + compared),
    )


def _branch_tokens(config: TrainConfig, size: EpisodeSize) -> float:
    """Tokens beside an episode's own that its gains are read from."""
    # Here: the estimators import torch.
    from igs_agent.config_limits import estimator_of
    from igs_agent.credit import signals_of

    if "gain" not in signals_of(estimator_of(config.credit.name, config.credit.options)):
        return 0.0
    documents = size.documents / max(1, size.searches)
    branch = config.credit.counterfactuals * (documents + ANSWER)
    return size.searches * (ANSWER + branch)


def _decoding(config: TrainConfig, shape: ModelShape, size: EpisodeSize, bandwidth: float) -> float:
    """Every token that is written moves the weights once per batch, and the row's own context."""
    width = WIDTHS[config.policy.dtype]
    episodes = config.rollout.questions * config.rollout.group_size
    batches = -(-episodes // config.rollout.max_rows)
    weights = size.written * batches * width * shape.parameters
    context = 2 * width * shape.layers * shape.key_width * size.total / 2
    return (weights + episodes * size.written * context) / bandwidth
