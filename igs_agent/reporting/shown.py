"""Text and numbers of a run as a page may show them: whatever a text holds, it stays text."""

from __future__ import annotations

import json
import math
import re
import unicodedata

from igs_agent.statistics import Interval

LONGEST = 300
"""Characters of a text that the page shows; `igs view` shows all of it."""
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
"""Categories without a visible sign: controls, marks that turn text around, half surrogates."""


def shown(value: object, longest: int = LONGEST) -> str:
    """The text with a sign for each character that would be invisible, or turn its neighbours.

    >>> shown("a\\u202eb\\x00c\\n d")
    'a⟨202E⟩b⟨0000⟩c d'
    >>> shown("abcdef", 3)
    'abc…'
    """
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    cut = text if len(text) <= longest else f"{text[:longest]}…"
    return "".join(
        f"⟨{ord(sign):04X}⟩" if unicodedata.category(sign) in _HIDDEN else sign
        for sign in re.sub(r"[ \t\r\n]+", " ", cut)
    )


def number(value: float | None) -> str:
    """A number with the digits that are worth reading.

    >>> [number(x) for x in (0.12345, -1.5, 12.34, 12345.6, 0.0000321, 0.0, None)]
    ['0.123', '−1.500', '12.3', '12,346', '3.2e−05', '0', '—']
    """
    if value is None or not math.isfinite(value):
        return "—"
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1000:
        text = f"{value:,.0f}"
    elif size >= 10:
        text = f"{value:.1f}"
    else:
        text = f"{value:.3f}" if size >= 0.001 else f"{value:.1e}"
    return text.replace("-", "−")


def signed(value: float) -> str:
    """With its sign.

    >>> signed(0.25), signed(-0.25)
    ('+0.250', '−0.250')
    """
    return number(value) if value < 0 else f"+{number(value)}"


def interval(found: Interval | None, *, sign: bool = False) -> str:
    """`mean [low, high]`.

    >>> interval(Interval(mean=0.5, low=0.25, high=0.75, n=8))
    '0.500 [0.250, 0.750]'
    """
    if found is None or not found.n:
        return "—"
    text = signed if sign else number
    return f"{text(found.mean)} [{text(found.low)}, {text(found.high)}]"


def share(value: float | None) -> str:
    """A part of a whole.

    >>> share(0.0642), share(None)
    ('6.4 %', '—')
    """
    return "—" if value is None or not math.isfinite(value) else f"{100 * value:.1f} %"
