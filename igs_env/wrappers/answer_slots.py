"""What an agent of discrete actions can read off documents: one short text per kind of fact.

The rules know English function words, capital letters, dates and, per slot, a few cue words.
They see the question, the query and the documents shown, nothing of a world's hidden facts. The
cues were chosen while reading passages of `atlas`' train split: on other texts expect less, and
give cues of your own to `QueryTemplateAction`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from igs_env.types import Document
from igs_env.wrappers.spans import Span, clauses_in, dates_in, names_in, sentences, years_in

_BRACKETS = re.compile(r"\s*\([^()]*\)$")
_ITEM_END = re.compile(r"\),? (?:and )?")
_VERB = re.compile(r"\b(?:made|includes?|directed|wrote|screenplay of|appeared in|played in) ")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What slots are read from."""

    question: str
    query: str
    """Of the search that brought the documents."""
    documents: tuple[Document, ...]
    """Those that are most about what the query names come first."""

    def known(self, text: str) -> bool:
        """Whether question or query say it already."""
        return _holds(self.question, text) or _holds(self.query, text)


Slot = Callable[[Reading], str]
"""Reads one text off the documents; empty where there is none."""


def reading(question: str, query: str, documents: Sequence[Document]) -> Reading:
    """The documents, sorted: the longest title that the query says, names in title, names in text.

    Ties keep the retriever's order.
    """
    names = [*(name.text for name in names_in(query)), *years_in(query)]

    def rank(document: Document) -> tuple[int, int, int]:
        told = f"{document.title} . {document.text}"
        titles = filter(None, (bare_title(document), subject_of(document)))
        return (
            -max((len(title) for title in titles if _holds(query, title)), default=0),
            -sum(_holds(bare_title(document), name) for name in names),
            -sum(_holds(told, name) for name in names),
        )

    return Reading(question=question, query=query, documents=tuple(sorted(documents, key=rank)))


def bare_title(document: Document) -> str:
    """Title without what stands in brackets behind it: `Arthur` of `Arthur (2011 film)`."""
    return _BRACKETS.sub("", document.title)


def subject_of(document: Document) -> str:
    """What a title is about: `Peru` of `Geography of Peru`; empty without ` of `."""
    return bare_title(document).partition(" of ")[2].removeprefix("the ")


def near(cue: str) -> Slot:
    """Slot of the name that stands nearest to a cue (a regular expression) in its sentence.

    Of two equally near ones that behind the cue counts. Names that question or query say are
    passed over.

    >>> alien = Document(id="d", title="Alien", text="Alien is a film directed by Ridley Scott.")
    >>> near("directed")(reading("Who directed Alien?", "Alien", [alien]))
    'Ridley Scott'
    """
    return lambda read: _first(_nearest(read, cue, names_in))


def phrase(cue: str) -> Slot:
    """Slot of the clause that stands nearest to a cue: for answers without a capital letter.

    >>> palau = Document(id="d", title="Palau", text="As its national symbol Palau uses bai.")
    >>> phrase("symbol")(reading("What is the symbol of Palau?", "Palau", [palau]))
    'bai'
    """
    return lambda read: _first(_nearest(read, cue, clauses_in))


def nth_name(index: int) -> Slot:
    """Slot of a name of the first document by its position, of those that are not known yet."""

    def slot(read: Reading) -> str:
        names = [name.text for d in read.documents[:1] for name in names_in_document(d)]
        unknown = [name for name in dict.fromkeys(names) if not read.known(name)]
        return unknown[index] if index < len(unknown) else ""

    return slot


def names_in_document(document: Document) -> list[Span]:
    """Names of its sentences, in order."""
    return [name for sentence in sentences(document.text) for name in names_in(sentence)]


def title(read: Reading) -> str:
    """A title that is not in the query: `Alien` of `Alien (1979)`, else the first document's.

    The first holds in documents whose own title is known, for a year that is.
    """
    dated = (
        _listed(sentence, year)
        for document in read.documents
        if read.known(document.title)
        for year in years_in(read.query)
        for sentence in sentences(document.text)
        if f" ({year})" in sentence
    )
    return _unknown(read, (*dated, *map(bare_title, read.documents)))


def subject(read: Reading) -> str:
    """What the first document's title is about, `Peru` of `Geography of Peru`."""
    return _unknown(read, map(subject_of, read.documents))


def date(read: Reading) -> str:
    """The first day with month and year."""
    return _first(date for document in read.documents for date in dates_in(document.text))


def year(read: Reading) -> str:
    """The first year that is no part of a date."""
    return _unknown(read, (year for d in read.documents for year in years_in(d.text)))


SLOTS: dict[str, Slot] = {
    "title": title,
    "subject": subject,
    "date": date,
    "year": year,
    "director": near(r"direct(?:ed|or)\b"),
    "writer": near(r"(?:written|writer|script|screenplay)\b"),
    "maker": near(r"(?:produced by|made by|production compan|studio|compan(?:y|ies))\b"),
    "discoverer": near(r"(?:discovered|discovery .* made by)\b"),
    "winner": near(r"(?:won|received|awarded|went)\b"),
    "birthplace": near(r"born\b"),
    "workplace": near(r"work(?:ed)?(?: done)? at\b"),
    "capital": near(r"(?:capital of|its capital)\b"),
    "peak": near(r"highest point\b"),
    "city": near(r"largest city\b"),
    "legislature": near(r"legislature\b"),
    "anthem": phrase(r"anthem\b"),
    "symbol": phrase(r"symbol\b"),
    "currency": phrase(r"(?:currency|given in|pay in)\b"),
}
"""Name → slot, in the order of the answer actions."""


def _nearest(read: Reading, cue: str, pieces: Callable[[str], list[Span]]) -> Iterator[str]:
    for document in read.documents:
        for sentence in sentences(document.text):
            for match in re.finditer(cue, sentence, re.IGNORECASE):
                # A piece that overlaps the cue has a negative gap: it is no answer to it.
                beside = [
                    (gap, piece.start < match.start(), piece.text)
                    for piece in pieces(sentence)
                    if (gap := max(piece.start - match.end(), match.start() - piece.end)) >= 0
                    and not read.known(piece.text)
                ]
                if beside:
                    yield min(beside)[-1]


def _listed(sentence: str, year: str) -> str:
    """The item of a list that the year in brackets belongs to."""
    before = sentence.partition(f" ({year})")[0]
    *others, item = _ITEM_END.split(before)
    return item if others else _VERB.split(before)[-1]


def _unknown(read: Reading, texts: Iterable[str]) -> str:
    return _first(text for text in texts if text and not read.known(text))


def _first(texts: Iterator[str]) -> str:
    return next(texts, "")


def _holds(text: str, part: str) -> bool:
    """Whether the words of `part` stand in `text`, whatever their case."""
    text, part = text.lower(), part.lower()
    start = text.find(part)
    while start >= 0:
        end = start + len(part)
        around = text[max(start - 1, 0) : start], text[end : end + 1]
        if not any(map(str.isalnum, around)):
            return True
        start = text.find(part, start + 1)
    return False
