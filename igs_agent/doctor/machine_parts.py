"""The machine: room on its disks, its GPUs, and its memory."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import torch

from igs_agent.config import TrainConfig
from igs_agent.config_limits import estimator_of
from igs_agent.credit import signals_of
from igs_agent.doctor.duration import CORE, duration
from igs_agent.doctor.episode_size import EpisodeSize, episode_size
from igs_agent.doctor.finding import Finding, missing, note, ok
from igs_agent.doctor.footprint import WIDTHS, footprint
from igs_agent.doctor.model_shape import ModelShape
from igs_agent.doctor.places import sized
from igs_agent.generation.warm import warm_limit
from igs_agent.step_signals import measurements

PATIENCE = 7 * 86_400
"""Seconds of training on a CPU beyond which a GPU counts as missing. *Ours*."""


def checkpoint_bytes(config: TrainConfig, shape: ModelShape) -> int:
    """Bytes of a run's checkpoints at their most: those kept, the one being written, the best.

    A checkpoint holds the weights and, of what is trained, AdamW's two moments.
    """
    width, rank = WIDTHS[config.policy.dtype], config.policy.lora_rank
    trained = shape.adapter_parameters(rank) if rank else shape.parameters
    one = width * (shape.parameters + 2 * trained)
    return (config.checkpoint.keep + 2) * one


def check_disk(needs: Mapping[Path, int]) -> Iterator[Finding]:
    """Whether each file system has room for what will be written there.

    Args:
        needs: place → bytes; the place need not exist yet.
    """
    by_system: dict[int, tuple[Path, int]] = {}
    for path, wanted in needs.items():
        place = _existing(path.expanduser().absolute())
        first, before = by_system.get(os.stat(place).st_dev, (place, 0))
        by_system[os.stat(place).st_dev] = (first, before + wanted)
    for place, wanted in by_system.values():
        free = shutil.disk_usage(place).free
        text = f"{sized(wanted)} needed at {place}, {sized(free)} free"
        if wanted > free:
            yield missing("disk", text, "make room, lower checkpoint.keep, or move run=")
        else:
            yield ok("disk", text)


def check_memory(config: TrainConfig, shape: ModelShape | None, size: EpisodeSize) -> Finding:
    """Whether the first GPU, or this CPU, has the memory, and a CPU the speed."""
    wants_gpu = config.policy.device != "cpu"
    if shape is None:
        return note("memory", "unknown: the model's sizes are not known", "fetch the model")
    if wants_gpu and torch.cuda.is_available():
        free, _ = torch.cuda.mem_get_info(config.policy.device or "cuda")
        name = torch.cuda.get_device_name(config.policy.device or "cuda")
        return _judged("gpu", name, free, config, shape, size)
    if config.policy.device not in (None, "cpu"):
        found = f"policy.device is {config.policy.device}, and no GPU is visible"
        return missing("gpu", found, "look at nvidia-smi; pip install a torch with CUDA")
    cores = torch.get_num_threads()
    seconds = config.updates * duration(config, shape, size, machine=CORE, count=cores).total
    named = f"{cores} CPU core{'s' * (cores > 1)}"
    if seconds > PATIENCE:
        text = f"none is visible; {named} would need {_days(seconds)}"
        return missing("gpu", text, _on_a_gpu(config, shape, size))
    estimator = estimator_of(config.credit.name, config.credit.options)
    limit = warm_limit() if measurements(signals_of(estimator)) else 0
    judged = _judged("memory", named, available_memory(), config, shape, size, kept_limit=limit)
    took = f", at most about {seconds / 3600:,.1f} h"
    return replace(judged, found=judged.found + took) if judged.state == "ok" else judged


LARGE_GPU = 80 * 10**9
"""Bytes of the GPU that most who have one at all can get."""


def _on_a_gpu(config: TrainConfig, shape: ModelShape, size: EpisodeSize) -> str:
    wanted = footprint(config, shape, size).total
    text = f"run this on a machine with a GPU of {sized(wanted)}"
    if wanted <= LARGE_GPU:
        return text
    return f"{text}; one of {sized(LARGE_GPU)} {smaller(config, shape, LARGE_GPU)}"


def available_memory() -> int:
    """Bytes that new processes can use without swapping; all of the memory where unknown."""
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
        fields = dict(line.split(":", 1) for line in lines)
        return int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _judged(
    part: str,
    name: str,
    free: int,
    config: TrainConfig,
    shape: ModelShape,
    size: EpisodeSize,
    *,
    kept_limit: float = 0.0,
) -> Finding:
    wanted = footprint(config, shape, size, kept_limit=kept_limit).total
    text = f"{name}: about {sized(wanted)} needed, {sized(free)} free"
    if wanted <= free:
        return ok(part, text)
    return missing(part, text, smaller(config, shape, free, kept_limit=kept_limit))


def smaller(config: TrainConfig, shape: ModelShape, free: float, *, kept_limit: float = 0.0) -> str:
    """The settings with which the configuration would fit, turned one after the other.

    The cheapest for what is learned comes first: recomputed activations, fewer episodes at once,
    smaller micro-batches, then no KL term, then an adapter in place of all weights.
    """
    knobs = (
        ("policy", "gradient_checkpointing", True),
        ("rollout", "max_rows", min(8, config.rollout.max_rows)),
        ("optim", "batch_tokens", 1),
        ("loss", "kl", 0.0),
        ("policy", "lora_rank", 64),
        ("policy", "dtype", "bfloat16"),
    )
    turned: list[str] = []
    for section, name, value in knobs:
        part = getattr(config, section)
        if getattr(part, name) == value:
            continue
        config = replace(config, **{section: replace(part, **{name: value})})
        turned.append(f"{section}.{name}={str(value).lower() if value is True else value}")
        wanted = footprint(config, shape, episode_size(config), kept_limit=kept_limit)
        if wanted.total <= free:
            return f"would fit with {' '.join(turned)}"
    return "would not fit with any setting: take a smaller model, or fewer tokens per turn"


def _days(seconds: float) -> str:
    return f"{seconds / 86_400:,.0f} days"


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
