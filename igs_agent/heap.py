"""Free memory, given back to the system."""

from __future__ import annotations

import ctypes
import sys


def give_back() -> None:
    """Return what is free in the C library's heap to the system, where it is glibc's.

    Tensors of ever different sizes leave holes: after twenty updates of `tiny-atlas` a process held
    2.0 GB, of which 1.2 were in use. Pages that are needed again cost a fault each.
    """
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
