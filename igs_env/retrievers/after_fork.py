"""Keeping libraries that use OpenMP alive in forked processes."""

from __future__ import annotations

import os
from collections.abc import Callable


def one_thread_after_fork(set_threads: Callable[[int], object]) -> None:
    """Have `set_threads(1)` called in every process that is forked from this one.

    GNU's OpenMP hangs for ever in a forked process that asks for more than one thread after its
    parent did, as the workers of an asynchronous vector environment do. A worker is one of many
    anyway. Without effect where processes are not forked (Windows).
    """
    if hasattr(os, "register_at_fork"):
        os.register_at_fork(after_in_child=lambda: set_threads(1))
