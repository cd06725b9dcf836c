"""What is free in the heap goes back to the system."""

from __future__ import annotations

import platform
from pathlib import Path

import pytest
import torch

from igs_agent import heap


def resident() -> int:
    """MiB of this process."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="another C library's heap")
def test_holes_that_tensors_left_are_given_back() -> None:
    # Each is too small to be mapped by itself; those that stay keep the heap from shrinking.
    tensors = [torch.ones(25_000) for _ in range(4000)]
    held = tensors[::100]
    full = resident()
    del tensors
    heap.give_back()
    assert resident() < full - 200
    assert len(held) == 40
