"""Everything that the environment writes: the prompt, documents blocks, probes.

The only template in the project. Text that did not come from the policy is neutralised here,
once, and documents are truncated here, once, so that what `info` reports, what the policy saw
and what the gain is measured on are the same documents.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache
from operator import itemgetter
from string import Formatter

from igs_env.actions import neutralise
from igs_env.protocols import DOCUMENT_FIELDS, Protocol
from igs_env.types import Document, Episode, Question

_WORD_END = re.compile(r"\S(?=\s|$)")
_REFINE_END = "</refine>"


def render_prompt(protocol: Protocol, question: Question) -> str:
    """First observation of an episode.

    >>> from igs_env.protocols import PROTOCOLS
    >>> render_prompt(PROTOCOLS["plain"], Question(id="q", text="Who?", answers=("me",)))
    'Question: Who?\\n'
    """
    # str.format would read braces in the template's other text; the question is inserted
    # verbatim and never itself interpreted.
    return protocol.instruction.replace("{question}", neutralise(question.text))


def render_next_attempt(episode: Episode) -> str:
    """First observation of another attempt: all of the one before, and the question again."""
    return (
        episode.transcript
        + episode.protocol.retry
        + render_prompt(episode.protocol, episode.question)
    )


def render_documents(protocol: Protocol, documents: Sequence[Document]) -> str:
    """Observation after a search: the documents block, with its line breaks."""
    literals, pick = _taken_apart(protocol.document)
    pieces: list[str] = []
    for position, document in enumerate(documents, start=1):
        written = literals.copy()
        written[1::2] = pick((str(position), document.title, document.text, ""))
        pieces += written
    body, tag = "".join(pieces), protocol.documents_tag
    return f"\n<{tag}>\n{body or protocol.empty}</{tag}>\n"


def clean_documents(
    documents: Sequence[Document], *, limit: int, length: Callable[[str], int] = len
) -> tuple[Document, ...]:
    """Documents as they may enter a prompt: neutralised, title and text cut at a word to `limit`.

    Args:
        documents: as the retriever returned them.
        limit: greatest `length` of a document's text, and of its title.
        length: size of a text, characters by default; an agent passes its tokenizer's count.
            Must not shrink when text is appended.
    """
    return tuple([_clean(document, limit, length) for document in documents])


def truncate(text: str, *, limit: int, length: Callable[[str], int] = len) -> str:
    """Longest prefix of `text` that ends at a word and is no longer than `limit`.

    A first word longer than `limit` is cut inside, so that a limit always holds.

    >>> truncate("one two three", limit=8)
    'one two'
    >>> truncate("incomprehensible", limit=4)
    'inco'
    """
    if length(text) <= limit:
        return text
    ends = [match.end() for match in _WORD_END.finditer(text)]
    kept = _longest_prefix(text, ends, limit, length)
    return kept or _longest_prefix(text, range(1, len(text) + 1), limit, length)


def refine_end(output: str) -> int | None:
    """Offset just behind the first complete `<refine>…</refine>` of an output, or None."""
    start = output.find("<refine>")
    if start < 0:
        return None
    end = output.find(_REFINE_END, start)
    return None if end < 0 else end + len(_REFINE_END)


def _clean(document: Document, limit: int, length: Callable[[str], int]) -> Document:
    title, text = document.title, document.text
    # Most documents need no change, and a copy costs more than all that is checked here. No
    # control tag or chat marker is without a "<".
    if "<" not in text and "<" not in title and length(text) <= limit and length(title) <= limit:
        return document
    return replace(
        document,
        title=truncate(neutralise(title), limit=limit, length=length),
        text=truncate(neutralise(text), limit=limit, length=length),
    )


@lru_cache(maxsize=32)
def _taken_apart(
    template: str,
) -> tuple[list[str], Callable[[tuple[str, ...]], tuple[str, ...]]]:
    """A document's template as (literals with a place behind each, what picks the places' values
    from those of `DOCUMENT_FIELDS` and an empty one): joined, these cost a third of `str.format`.

    >>> literals, pick = _taken_apart("{title}. {{{position}}}")
    >>> literals, pick(("1", "Alien", "text", ""))
    (['', '', '. {', '', '}', '', '', ''], ('Alien', '1', '', ''))
    """
    literals, fields = [""], list[int]()
    for literal, field, _, _ in Formatter().parse(template):
        literals[-1] += literal
        if field is not None:
            fields.append(DOCUMENT_FIELDS.index(field))
            literals += ["", ""]
    # Two empty places at the end: an `itemgetter` of fewer than two does not give a tuple.
    empty = len(DOCUMENT_FIELDS)
    return [*literals, "", "", ""], itemgetter(*fields, empty, empty)


def _longest_prefix(
    text: str, ends: Sequence[int], limit: int, length: Callable[[str], int]
) -> str:
    low, high = 0, len(ends)  # invariant: ends[:low] fit, ends[high:] do not
    while low < high:
        middle = (low + high) // 2
        if length(text[: ends[middle]]) <= limit:
            low = middle + 1
        else:
            high = middle
    return text[: ends[low - 1]] if low else ""
