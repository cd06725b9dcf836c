"""Puts the scripted parts on the path, so that `scripted:NAME` works in specs and imports."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1] / "env"))
