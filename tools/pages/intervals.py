"""Intervals on one line: no break within `[0.778, 0.900]`. A hook of MkDocs."""

from __future__ import annotations

import re
from typing import Any

_INTERVAL = re.compile(r"\[[-+−]?\d*\.?\d+, [-+−]?\d*\.?\d+\]")


def on_page_content(html: str, **_: Any) -> str:
    """The page with a no-break space in every interval.

    >>> ascii(on_page_content("0.839 [0.778, 0.900], a [1, b]"))
    "'0.839 [0.778,\\\\xa00.900], a [1, b]'"
    """
    return _INTERVAL.sub(lambda found: found[0].replace(" ", "\u00a0"), html)
