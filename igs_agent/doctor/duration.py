"""Time of an update, from its floating-point operations and bytes. A model until measured."""

from __future__ import annotations

from dataclasses import dataclass

from igs_agent.config import TrainConfig
from igs_agent.doctor.episode_size import ANSWER, EpisodeSize
from igs_agent.doctor.footprint import WIDTHS
from igs_agent.doctor.model_shape import ModelShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """What a processor reaches in a second."""

    name: str
    flops: float
    """bf16 matrix products, dense."""
    flops_float32: float
    bandwidth: float
    """Bytes from memory."""
    launch: float = 0.0
    """Seconds that a layer takes at least, however little there is to compute."""


H100 = Machine(
    name="H100",
    flops=0.4 * 989e12,
    flops_float32=0.4 * 67e12,
    bandwidth=0.6 * 3.35e12,
    launch=3e-4,
)
"""SXM5, 80 GB: 40 % of the products and 60 % of the bandwidth in NVIDIA's data sheet, and 0.3 ms
per layer in eager PyTorch. The shares and the latter are *ours*, until measured."""
CORE = Machine(name="CPU core", flops=100e9, flops_float32=55e9, bandwidth=10e9)
"""One core of an AVX512-BF16 server, as a model of 135 M parameters reached it: 203 tokens per
second scored in fp32 and 353 in bf16, 63 and 117 trained."""


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

        rollout  2 P R (T − W) / F  +  W · (q max(b P / B, 2 P r / F) + R b_kv T / 2 B)
        gain     2 P R S (A + N (D + A)) / F          where the estimator reads gains
        update   (6 P, with checkpointing 8 P) R T e / F,  and 2 P R T e / F with a reference

    with P parameters, R episodes of T tokens of which W are written, S searches with D tokens of
    documents each, A tokens of an answer, N counterfactuals, e epochs; F operations and B bytes
    that the machine reaches per second, `count` times that with several; r = `max_rows` rows
    decoded together, q = R / r batches, b bytes of a weight, b_kv of a token's keys and values. A
    step of decoding takes `launch` per layer at least. Rollouts, gains and the reference run in
    the policy's own type, the update in bf16 under autocast.
    """
    half = machine.flops * count
    own = half if WIDTHS[config.policy.dtype] == 2 else machine.flops_float32 * count
    trained = half if config.optim.autocast else own
    episodes = _episodes(config)
    tokens = episodes * size.total
    read = 2 * shape.parameters * (tokens - episodes * size.written) / own
    passes = 8 if config.policy.gradient_checkpointing else 6
    learned = passes * shape.parameters * tokens / trained
    compared = 2 * shape.parameters * tokens / own if config.loss.kl > 0 else 0.0
    return Duration(
        rollout=read + _decoding(config, shape, size, machine, count),
        gain=_branch_tokens(config, size) * episodes * 2 * shape.parameters / own,
        update=config.optim.epochs * (learned + compared),
    )


def _episodes(config: TrainConfig) -> int:
    """Episodes of an update, further attempts included."""
    return config.rollout.questions * config.rollout.group_size * config.rollout.attempts


def _branch_tokens(config: TrainConfig, size: EpisodeSize) -> float:
    """Tokens beside an episode's own that its gains are read from."""
    # Here: the estimators import torch.
    from igs_agent.config_limits import estimator_of
    from igs_agent.credit import signals_of
    from igs_agent.step_signals import measurements

    estimator = estimator_of(config.credit.name, config.credit.options)
    if "gain" not in measurements(signals_of(estimator)):
        return 0.0
    documents = size.documents / max(1, size.searches)
    branch = config.credit.counterfactuals * (documents + ANSWER)
    return size.searches * (ANSWER + branch)


def _decoding(
    config: TrainConfig, shape: ModelShape, size: EpisodeSize, machine: Machine, count: int
) -> float:
    """Seconds of all steps in which one token is written per row."""
    width = WIDTHS[config.policy.dtype]
    episodes = _episodes(config)
    rows = min(config.rollout.max_rows, episodes)
    share = episodes / rows / count
    flops = machine.flops if width == 2 else machine.flops_float32
    step = max(width * shape.parameters / machine.bandwidth, 2 * shape.parameters * rows / flops)
    context = 2 * width * shape.layers * shape.key_width * size.total / 2
    launched = max(1.0, share) * shape.layers * machine.launch
    read = episodes * context / (machine.bandwidth * count)
    return size.written * (max(share * step, launched) + read)
