"""Names, dates, years and clauses of an English text, by the look of the words alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

_SENTENCE_END = re.compile(r"(?<!\b[A-Z])(?<!\b(?:Mr|Ms|Dr|Jr|Sr|St))(?<!\bMrs)[.!?]\s+")
_MONTHS = "January|February|March|April|May|June|July|August|September|October|November|December"
_DATE = re.compile(rf"\b(?:\d{{1,2}} (?:{_MONTHS})|(?:{_MONTHS}) \d{{1,2}},) \d{{3,4}}\b")
_YEAR = re.compile(r"\b[12]\d{3}\b(?![,.]\d)")
_ABBREVIATION = re.compile(r"(?:[^\W\d_a-z]|Mr|Mrs|Ms|Dr|Jr|Sr|St)\.")
_PIVOT = re.compile(
    r"\b(?:is|are|was|were|has|have|had|uses?|called|named|as|in|at|with)\b|, (?:its|the)\b", re.I
)
_PARTICLES = "of the ad al el de del della des di da do du la le van von der den for"
_INSIDE = frozenset(_PARTICLES.split())
_OPENERS, _CLOSERS = "\"'“‘([", '.,;:!?"”)]'
_FUNCTION_WORDS = (
    "A About After Although Among An And Are As At Before Born By Directed Did For From Give How "
    "In Is It Its Laws Most Name Of On Parts People Prices Someone Tell That The They This To Was "
    "Were What When Where Which Who Whom Whose With"
)
_STARTS = frozenset(_FUNCTION_WORDS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A piece of a text."""

    text: str
    start: int
    """Offset of its first character."""
    end: int
    """Offset behind its last."""


def sentences(text: str) -> list[str]:
    """The sentences of a text; a full stop behind an initial or a title ends none.

    >>> sentences("It was written by J. H. Wyman. Mr. Rice left.")
    ['It was written by J. H. Wyman', 'Mr. Rice left']
    """
    return [part for part in _SENTENCE_END.split(text.rstrip(". ")) if part]


def names_in(text: str) -> list[Span]:
    """Runs of capitalised words within a sentence, with `of`, `von`, … and numbers inside.

    >>> [name.text for name in names_in("Who directed Alien 3 with Rip van Winkle, Jr. Reyes?")]
    ['Alien 3', 'Rip van Winkle', 'Jr. Reyes']
    """
    return list(_names(text))


# Every slot reads the same few sentences.
@lru_cache(maxsize=16_384)
def _names(text: str) -> tuple[Span, ...]:
    found: list[Span] = []
    run: list[Span] = []
    # A date is a value, not a name; what replaces it keeps the offsets.
    undated = _DATE.sub(lambda match: "," * len(match.group()), text)
    for word in _words(undated):
        if run and not _continues(word.text):
            found += _name(run, text)
            run = []
        if run or _capital(word.text):
            run.append(word)
        if _ends_run(undated, word):
            found += _name(run, text)
            run = []
    return (*found, *_name(run, text))


def dates_in(text: str) -> list[str]:
    """Days with month and year.

    >>> dates_in("Born on 3 May 1918, or May 4, 1918, and not in 1919.")
    ['3 May 1918', 'May 4, 1918']
    """
    return _DATE.findall(text)


def years_in(text: str) -> list[str]:
    """Years that are no part of a date.

    >>> years_in("Born on 3 May 1918, laureate of 1969, seen by 1,969 people.")
    ['1969']
    """
    return _YEAR.findall(_DATE.sub(" ", text))


def clauses_in(sentence: str) -> list[Span]:
    """Pieces of a sentence between its commonest verbs and prepositions.

    >>> [clause.text for clause in clauses_in("As its national symbol Palau uses bai")]
    ['its national symbol Palau', 'bai']
    """
    pivots = [match.span() for match in _PIVOT.finditer(sentence)]
    starts = [0, *(end for _, end in pivots)]
    ends = [*(start for start, _ in pivots), len(sentence)]
    pieces = [(start, sentence[start:end]) for start, end in zip(starts, ends, strict=True)]
    return [
        Span(text=text, start=start, end=start + len(piece))
        for start, piece in pieces
        if (text := piece.strip(" ,"))
    ]


def _words(text: str) -> Iterator[Span]:
    """Words without the brackets, quotes and stops around them, but with an initial's own stop."""
    for match in re.finditer(r"\S+", text):
        opened = len(match.group()) - len(match.group().lstrip(_OPENERS))
        core = match.group()[opened:]
        if not _ABBREVIATION.fullmatch(core.rstrip(",")):
            core = core.rstrip(_CLOSERS)
        core = core.rstrip(",")
        if core:
            start = match.start() + opened
            yield Span(text=core, start=start, end=start + len(core))


def _capital(word: str) -> bool:
    return word[0].isupper() or (word[0].isdigit() and any(map(str.isalpha, word)))


def _continues(word: str) -> bool:
    return _capital(word) or word in _INSIDE or word.isdigit()


def _ends_run(text: str, word: Span) -> bool:
    return text[word.end : word.end + 1] not in ("", " ")


def _name(run: list[Span], text: str) -> list[Span]:
    while run and run[-1].text in _INSIDE:
        run = run[:-1]
    if run and run[0].start == 0 and run[0].text in _STARTS:
        run = run[1:]
    while run and (run[0].text in _INSIDE or run[0].text.isdigit()):
        run = run[1:]
    if not run:
        return []
    start, end = run[0].start, run[-1].end
    return [Span(text=text[start:end], start=start, end=end)]
