"""Recorded outputs of other libraries' functions; `made_by` in each file says how to make it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def cases(name: str) -> list[Any]:
    path = Path(__file__).parent / "recorded" / f"{name}.json"
    recorded = json.loads(path.read_text(encoding="utf-8"))
    assert recorded["made_by"], path
    found: list[Any] = recorded["cases"]
    assert found, path
    return found
