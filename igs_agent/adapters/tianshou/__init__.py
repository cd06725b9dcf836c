"""Tianshou: presets for its scripts, its vector environment over ours, and GRPO with our credit.

`import igs_agent.adapters.tianshou` registers the presets with Gymnasium, and a script's
`--task igs_agent.adapters.tianshou:IGSearchQA-SingleHop-Macro-v0` imports it. The presets need no
Tianshou; the other two names import it when they are first asked for.
"""

from __future__ import annotations

import importlib
from typing import Any

from igs_agent.adapters.tianshou.presets import (
    PRESETS,
    MacroEnv,
    macro_vector_env,
    register_presets,
)

_LAZY = {
    "IGModulatedGRPO": "igs_agent.adapters.tianshou.grpo",
    "NativeVectorEnv": "igs_agent.adapters.tianshou.vector_env",
}

register_presets()


def __getattr__(name: str) -> Any:
    """Import what needs Tianshou."""
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(_LAZY[name]), name)


__all__ = [
    "PRESETS",
    "IGModulatedGRPO",
    "MacroEnv",
    "NativeVectorEnv",
    "macro_vector_env",
    "register_presets",
]
