"""Intervals on one line: no break within `[0.778, 0.900]`. A hook of MkDocs."""

from __future__ import annotations

import re
from typing import Any

_NUMBER = r"[-+−]?\d*\.?\d+"
_FOUND = re.compile(rf"<(pre|code)\b.*?</\1>|\[{_NUMBER}, {_NUMBER}\]", re.DOTALL)


def on_page_content(html: str, **_: Any) -> str:
    """The page with a no-break space in every interval, but in code, which is copied and run.

    >>> ascii(on_page_content("0.839 [0.778, 0.900], <code>x = [1, 2]</code>"))
    "'0.839 [0.778,\\\\xa00.900], <code>x = [1, 2]</code>'"
    """
    return _FOUND.sub(lambda found: found[0] if found[1] else found[0].replace(" ", "\u00a0"), html)
