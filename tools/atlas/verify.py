"""Checks each question against the facts and against the words of the passages."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Sequence

from tools.atlas.candidate import Candidate
from tools.atlas.facts import Facts
from tools.atlas.passages import Passage

COMMON = 0.01
"""Largest share of passages that may hold an answer."""


def normal(text: str) -> str:
    """Words in lower case without accents and punctuation, with a space at both ends.

    >>> normal("José's film, 1999")
    ' jose s film 1999 '
    """
    parts = unicodedata.normalize("NFKD", text.lower())
    plain = "".join(c for c in parts if not unicodedata.combining(c))
    return f" {' '.join(re.findall(r'[a-z0-9]+', plain))} "


class Words:
    """Finds the passages that hold a phrase."""

    def __init__(self, passages: Sequence[Passage]) -> None:
        """Index titles and texts by word."""
        self.size = len(passages)
        self._texts = [normal(f"{p.title} {p.text}") for p in passages]
        self._numbers = {p.id: number for number, p in enumerate(passages)}
        self._holding: dict[str, set[int]] = defaultdict(set)
        for number, text in enumerate(self._texts):
            for word in set(text.split()):
                self._holding[word].add(number)

    def holding(self, phrase: str) -> set[int]:
        """Positions of the passages that hold the phrase."""
        wanted = normal(phrase)
        sets = sorted((self._holding.get(word, set()) for word in wanted.split()), key=len)
        if not sets:
            return set()
        both = set.intersection(*sets)
        return {number for number in both if wanted in self._texts[number]}

    def position(self, document: str) -> int:
        """A passage's place in the corpus."""
        return self._numbers[document]

    def states(self, document: str, phrase: str) -> bool:
        """Whether a passage holds the phrase."""
        return normal(phrase) in self._texts[self._numbers[document]]


def fault(candidate: Candidate, facts: Facts, words: Words) -> str:
    """What is wrong with a question; empty if nothing is."""
    for problem, found in (
        ("answer is not unique", not _unique(candidate, facts)),
        ("gold passage does not say it", not _stated(candidate, words)),
        ("question gives it away", _given_away(candidate)),
        ("answer is common", _common(candidate, words)),
        ("one passage is enough", _short_cut(candidate, words)),
    ):
        if found:
            return problem
    return ""


def only_in_gold(candidate: Candidate, words: Words) -> bool:
    """Whether no passage but the gold ones of the last hop holds the answer."""
    gold = {words.position(document) for document in candidate.gold[-1]}
    return words.holding(candidate.answers[0]) <= gold


def _unique(candidate: Candidate, facts: Facts) -> bool:
    """Each step leads to one entity; a comparison has one winner and it is the answer."""
    if candidate.group == "yes_no":
        first, second = (result for result in candidate.results)
        return candidate.answers[0] == ("yes" if first == second else "no")
    if candidate.origin is None:
        first_number, second_number = candidate.numbers
        larger = int(second_number > first_number)
        best = candidate.entities[larger if candidate.more else 1 - larger]
        return first_number != second_number and candidate.answers[0] == best
    return all(
        len(facts.follow(candidate.origin, candidate.steps[: n + 1])) == 1
        for n in range(len(candidate.steps))
    )


def _stated(candidate: Candidate, words: Words) -> bool:
    """Every gold passage names what is looked up in it and what is found."""
    return all(
        documents
        and all(
            words.states(document, _bare(entity)) and words.states(document, result)
            for document in documents
        )
        for entity, result, documents in zip(
            candidate.entities, candidate.results, candidate.gold, strict=True
        )
    )


def _given_away(candidate: Candidate) -> bool:
    """A bridging name or, but for comparisons, the answer stands in the question."""
    hidden = [*candidate.bridges]
    if candidate.origin is not None:
        hidden.append(candidate.answers[0])
    text = normal(candidate.text)
    return any(normal(name) in text for name in hidden)


def _common(candidate: Candidate, words: Words) -> bool:
    if candidate.group == "yes_no":
        return False
    answer = candidate.answers[0]
    name = _bare(answer)
    return len(normal(name)) < 5 or len(words.holding(name)) > COMMON * words.size


def _short_cut(candidate: Candidate, words: Words) -> bool:
    """A passage that holds both the start and the answer makes several hops one."""
    if not candidate.group.startswith("bridge"):
        return False
    answer = words.holding(candidate.answers[0])
    return any(answer & words.holding(_bare(start)) for start in candidate.starts)


def _bare(title: str) -> str:
    """A title without what tells it apart: passages say "Arthur", not "Arthur (2011 film)"."""
    return re.sub(r" \(\d{4} film\)$", "", title)
