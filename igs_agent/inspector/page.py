"""The page: HTML with style and script put into it, and nothing that it fetches from elsewhere.

Everything that a run recorded reaches the page as data, never as HTML, and the script shows data
by `textContent` only. Should it ever not, the policy in the head allows this one script and no
address.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import json
from collections.abc import Iterable
from importlib.resources import files
from typing import Any

SCRIPTS = (
    "text",
    "elements",
    "scales",
    "source",
    "state",
    "selection",
    "filters",
    "strip",
    "list",
    "tokens",
    "gain",
    "documents",
    "turn",
    "episode",
    "group",
    "keys",
    "main",
)
"""Files of the script, in the order in which they stand in the page."""

_PARTS = files("igs_agent") / "data" / "inspector"


def page(data: Iterable[str], *, served: bool) -> Iterable[str]:
    """The page in pieces, so that a large one never is in memory as a whole.

    Args:
        data: elements of `embedded`; may be made while they are written.
        served: the page asks the server that it came from, and only that one, for episodes.
    """
    style, script = _part("style.css"), _script()
    connect = "'self'" if served else "'none'"
    policy = (
        f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
        f"img-src data:; connect-src {connect}; base-uri 'none'; form-action 'none'"
    )
    head, behind = _part("page.html").split("<!--data-->")
    head = head.replace("<!--policy-->", policy).replace("<!--style-->", style)
    yield head
    yield from data
    yield behind.replace("<!--script-->", script)


def embedded(name: str, value: Any) -> str:
    """An element that holds JSON where no text of it can end the element: packed, in base 64."""
    packed = gzip.compress(json.dumps(value, separators=(",", ":")).encode(), mtime=0)
    return f'<script type="text/plain" id="{name}">{base64.b64encode(packed).decode()}</script>\n'


def _part(name: str) -> str:
    return (_PARTS / name).read_text(encoding="utf-8")


def _script() -> str:
    """All files in one function, so that nothing of them is global."""
    parts = "\n".join(_part(f"{name}.js") for name in SCRIPTS)
    return f'"use strict";\n(() => {{\n{parts}\n}})();\n'


def _hash(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
