"""What a generator is asked for and what it gives back, in token ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from igs_env.errors import ConfigurationError

Finish = Literal["action", "eos", "length"]
"""Why a turn ended: a complete action tag, an end-of-sequence token, the limit of tokens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sampling:
    """How tokens are drawn."""

    temperature: float = 1.0
    """0 takes the likeliest token. (AutoRefine's script, which IG-Search follows: 1.)"""
    top_p: float = 1.0
    """Smallest set of likeliest tokens that holds this much probability; 1 keeps all."""
    top_k: int = 0
    """Only so many likeliest tokens; 0 keeps all."""
    max_tokens: int = 512
    """Per turn (AutoRefine's script: 512)."""

    def __post_init__(self) -> None:
        """Refuse values that mean nothing."""
        if self.temperature < 0 or not 0 < self.top_p <= 1 or self.top_k < 0 or self.max_tokens < 1:
            raise ConfigurationError(
                "sampling needs temperature ≥ 0, 0 < top_p ≤ 1, top_k ≥ 0 and max_tokens ≥ 1, "
                f"got {self}"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One sequence to continue."""

    key: str
    """Names the sequence across calls: its ids only ever grow, so that a generator may keep
    keys and values of what it has seen."""
    token_ids: Sequence[int]
    """The whole context so far."""
    seed: int
    """Draws depend on (seed, turn) only, never on what else is in the batch."""
    turn: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Completion:
    """What was written."""

    token_ids: list[int]
    """Exactly the sampled tokens, never decoded and encoded again."""
    log_probs: list[float]
    """One per token in nats, under the tempered distribution before top-p and top-k."""
    finish: Finish


class Generator(Protocol):
    """Continues sequences until each has a complete action tag."""

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Completion]:
        """One completion per request, in order."""
        ...

    def release(self, keys: Iterable[str]) -> None:
        """Forget what was kept for these sequences; unknown keys are ignored."""
        ...
