"""Examples in docstrings as code blocks. An extension of Griffe, which reads the docstrings.

A docstring's text is Markdown on the site, where `>>>` would begin three nested quotations.
"""

from __future__ import annotations

import re
from typing import Any

import griffe

_EXAMPLE = re.compile(r"^(?P<indent>[ ]*)>>> (?:.*\n?)(?:(?P=indent)[ ]*\S.*\n?)*", re.MULTILINE)


def fenced(text: str) -> str:
    """The text with each run of examples, up to an empty line, in a block of its own.

    >>> fenced("Adds.\\n\\n>>> 1 + 1\\n2\\n").splitlines()
    ['Adds.', '', '```pycon', '>>> 1 + 1', '2', '```']
    """

    def block(found: re.Match[str]) -> str:
        indent, lines = found["indent"], found[0].rstrip("\n")
        ending = found[0][len(lines) :]
        return f"{indent}```pycon\n{lines}\n{indent}```{ending}"

    return _EXAMPLE.sub(block, text)


class DoctestBlocks(griffe.Extension):
    """Fences the examples of every docstring before it is parsed."""

    def on_object(self, *, obj: griffe.Object, **kwargs: Any) -> None:
        """Change the docstring of a module, class, function or attribute."""
        if obj.docstring:
            obj.docstring.value = fenced(obj.docstring.value)
