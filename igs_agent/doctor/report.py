"""A diagnosis as plain text that fits on one screen."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterator, Sequence

from igs_agent.config import TrainConfig
from igs_agent.doctor.diagnosis import Diagnosis
from igs_agent.doctor.duration import H100, Duration, duration
from igs_agent.doctor.episode_size import EpisodeSize
from igs_agent.doctor.finding import Finding
from igs_agent.doctor.footprint import Footprint, footprint
from igs_agent.doctor.model_shape import ModelShape

WIDTH = 100
"""Characters of a line."""
GPUS = (1, 4, 8)
MARKS = {"ok": "  ok     ", "note": "  note   ", "missing": "  MISSING"}


def report(diagnosis: Diagnosis, name: str) -> str:
    """The findings, what is missing with what to do, and what training takes."""
    return "\n".join([*_parts(diagnosis, name), "", *_estimate(diagnosis)])


def _parts(diagnosis: Diagnosis, name: str) -> Iterator[str]:
    count = len(diagnosis.missing)
    names = ", ".join(dict.fromkeys(finding.part for finding in diagnosis.missing))
    yield f"{name}: {'everything is there' if not count else f'{count} missing: {names}'}"
    yield ""
    for finding in diagnosis.findings:
        yield from _finding(finding)


def _finding(finding: Finding) -> Iterator[str]:
    yield _cut(f"{MARKS[finding.state]}  {finding.part:<10} {finding.found}")
    if finding.remedy:
        # A command stays whole, so that it can be copied; a terminal wraps it.
        yield f"{'':22}→ {finding.remedy}"


def _cut(line: str) -> str:
    return textwrap.shorten(line, WIDTH, placeholder=" …") if len(line) > 2 * WIDTH else line


def _estimate(diagnosis: Diagnosis) -> Iterator[str]:
    config, size, shape = diagnosis.config, diagnosis.size, diagnosis.shape
    if shape is None:
        yield "no estimate: the model is not there, and its sizes are not known by its name"
        return
    episodes = config.rollout.questions * config.rollout.group_size
    yield (
        f"at most, for {episodes:,} episodes of {size.total:,} tokens per update "
        f"({shape.parameters / 1e9:.2f} B parameters):"
    )
    yield _row("", [f"{count} GPU{'s' * (count > 1)}" for count in GPUS])
    yield from _memory(config, shape, size)
    yield from _time(config, shape, size)
    yield f"a model, not a measurement: {H100.name}s at 40 % of their peak, retrieval not counted"
    yield "4 and 8 GPUs: even sharding; with executor.shard each holds a copy to play with, too"


def _memory(config: TrainConfig, shape: ModelShape, size: EpisodeSize) -> Iterator[str]:
    rows: dict[str, Callable[[Footprint], float]] = {
        "weights, gradients, moments": lambda f: f.state,
        "reference policy": lambda f: f.reference,
        "either keys and values": lambda f: f.keys_values,
        "or activations and logits": lambda f: f.update,
        "memory of each GPU": lambda f: f.total,
    }
    found = [footprint(config, shape, size, gpus=count) for count in GPUS]
    for title, part in rows.items():
        yield _row(title, [f"{part(each) / 1e9:,.1f}" for each in found], "GB")


def _time(config: TrainConfig, shape: ModelShape, size: EpisodeSize) -> Iterator[str]:
    rows: dict[str, Callable[[Duration], float]] = {
        "rollout": lambda d: d.rollout,
        "gain": lambda d: d.gain,
        "update": lambda d: d.update,
    }
    found = [duration(config, shape, size, count=count) for count in GPUS]
    for title, part in rows.items():
        yield _row(title, [f"{part(each):,.1f}" for each in found], "s per update")
    hours = [each.total * config.updates / 3600 for each in found]
    yield _row(f"{config.updates:,} updates", [f"{each:,.1f}" for each in hours], "h")


def _row(title: str, cells: Sequence[str], unit: str = "") -> str:
    return f"  {title:<30}{''.join(f'{cell:>10}' for cell in cells)}  {unit}".rstrip()
