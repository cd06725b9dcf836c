"""Running out of memory, told with the settings that need less of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from igs_agent.config import TrainConfig
from igs_env.errors import IGSearchError

KNOBS: dict[str, tuple[str, ...]] = {
    "loading": ("policy.dtype", "loss.kl"),
    "rollout": ("rollout.max_rows", "rollout.max_tokens"),
    "gain": ("optim.batch_tokens", "credit.counterfactuals"),
    "update": ("optim.batch_tokens", "policy.gradient_checkpointing", "policy.lora_rank"),
    "evaluation": ("rollout.max_rows", "rollout.max_tokens"),
}
"""Phase of a run → settings that decide what it holds at once, the cheapest for what is learned
first. Of `loss.kl` it is the reference policy that is held."""
# CUDA has a class for it; PyTorch's allocator on the CPU raises a plain RuntimeError.
_SIGNS = ("out of memory", "can't allocate memory", "not enough memory")


class MemoryExhaustedError(IGSearchError):
    """The machine's or the GPU's memory did not suffice; the message names the settings."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that an allocation failed.

    >>> is_out_of_memory(MemoryError()), is_out_of_memory(RuntimeError("shapes differ"))
    (True, False)
    """
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error) for sign in _SIGNS)


@contextmanager
def memory_explained(phase: str, config: TrainConfig) -> Iterator[None]:
    """Turn a failed allocation inside the block into an error that says which settings to turn.

    Raises:
        MemoryExhaustedError: memory ran out. Other errors pass.
    """
    try:
        yield
    except (MemoryError, RuntimeError) as error:
        if not is_out_of_memory(error):
            raise
        raise MemoryExhaustedError(_message(phase, config, error)) from error


def _message(phase: str, config: TrainConfig, error: BaseException) -> str:
    text = str(error).strip()
    said = f" ({text.splitlines()[0][:160]})" if text else ""
    knobs = KNOBS.get(phase, KNOBS["update"])
    named = ", then ".join(f"{knob} (now {_value(config, knob)})" for knob in knobs)
    return (
        f"out of memory in the {phase} of {config.run}{said}; turn {named}; igs doctor estimates "
        "what fits, and igs train --resume goes on from the last checkpoint"
    )


def _value(config: TrainConfig, knob: str) -> str:
    section, _, name = knob.partition(".")
    return str(getattr(getattr(config, section), name)).lower()
