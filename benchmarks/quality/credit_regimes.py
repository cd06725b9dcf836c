"""Where the credit benchmark plays: the micro worlds, and `atlas` from the shipped policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol

from benchmarks.quality import micro
from igs_agent.config import TrainConfig
from igs_agent.config_file import load_config


class Configure(Protocol):
    """What every method shares; `more` are overrides, such as an estimator's option."""

    def __call__(self, method: str, seed: int, updates: int, *more: str) -> TrainConfig: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A world, a policy to start from, and how both are played."""

    config: Configure
    prepare: Callable[[], object] = lambda: None
    """Makes the starting policy, unless it is there."""


def atlas_config(method: str, seed: int, updates: int, *more: str) -> TrainConfig:
    """The recipe `tiny-atlas`, with the curve's points where the other regimes have theirs."""
    overrides = [f"credit={method}", f"seed={seed}", f"updates={updates}"]
    overrides += [f"evaluation.every={micro.EVERY}", f"checkpoint.every={micro.NO_CHECKPOINT}"]
    return load_config("tiny-atlas", [*overrides, *more])


REGIMES: Mapping[str, Regime] = {
    name: Regime(config=partial(micro.run_config, name), prepare=partial(micro.make_policy, name))
    for name in micro.REGIMES
} | {"atlas": Regime(config=atlas_config)}
