"""What a figure was measured on: part of every committed result."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version

PACKAGES = (
    "numpy",
    "torch",
    "transformers",
    "gymnasium",
    "bm25s",
    "faiss-cpu",
    "sentence-transformers",
    "tianshou",
    "trl",
)


def machine() -> dict[str, object]:
    """Processor, cores, Python and package versions; nothing that names the host."""
    return {
        "processor": _processor(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            return next(line.partition(":")[2].strip() for line in file if "model name" in line)
    except (OSError, StopIteration):
        return platform.processor()


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"
