"""Two ways to do the same work, timed in turn, and their ratio with its spread."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A published ratio."""

    ratio: int
    """Its number in the table of docs/speed.md."""
    name: str
    value: float
    """Median over the rounds, of CPU time."""
    low: float
    """Least and greatest over the rounds."""
    high: float
    wall: float
    """The same median of wall-clock time."""
    target: float | None
    """None where the ratio is published without one."""
    met: bool | None
    tokens: str
    """Tokens behind the two times, since a share without them says little."""
    seconds: tuple[float, float]
    """CPU time of the two, medians."""


def compare(
    number: int,
    name: str,
    theirs: Callable[[], object],
    ours: Callable[[], object],
    *,
    target: float | None,
    tokens: str,
    rounds: int = 3,
    at_most: bool = False,
    factor: float = 1.0,
) -> Row:
    """Time of `theirs` / time of `ours`, A B A B after one untimed call of each.

    Args:
        number: of the ratio.
        name: what is compared.
        theirs: the numerator.
        ours: the denominator.
        target: least, or with `at_most` greatest, value.
        tokens: as in `Row`.
        rounds: of A B.
        at_most: the target is a limit.
        factor: on the ratio, where the two are not the same amount of work.
    """
    theirs()
    ours()
    times = np.array([[_timed(theirs), _timed(ours)] for _ in range(rounds)])  # rounds, 2, 2
    ratios = factor * times[:, 0, :] / times[:, 1, :]
    cpu, wall = ratios[:, 0], ratios[:, 1]
    value = float(np.median(cpu))
    met = None if target is None else bool(value <= target if at_most else value >= target)
    row = Row(
        ratio=number,
        name=name,
        value=round(value, 3),
        low=round(float(cpu.min()), 3),
        high=round(float(cpu.max()), 3),
        wall=round(float(np.median(wall)), 3),
        target=target,
        met=met,
        tokens=tokens,
        seconds=(
            round(float(np.median(times[:, 0, 0])), 3),
            round(float(np.median(times[:, 1, 0])), 3),
        ),
    )
    print(row, flush=True)
    return row


def _timed(work: Callable[[], object]) -> tuple[float, float]:
    """(CPU, wall-clock) seconds; on a GPU, until it is idle."""
    cpu, wall = time.process_time(), time.perf_counter()
    work()
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.process_time() - cpu, time.perf_counter() - wall
