"""Puts this folder on the path, so that the recipe and the test share `episodes`."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
