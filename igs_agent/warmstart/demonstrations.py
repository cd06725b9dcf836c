"""Demonstrations: episodes played by a script whose queries are of mixed quality.

A script that always searched well would leave nothing to learn, one that never does nothing to
reinforce. Here each query is the gold one with a given probability, else one of two mistakes that
weak searchers make: a vague query, which says what is asked but not about whom ("director of the
film"), or a query about something else. Answers are read off the documents at hand wherever these
have one, so that reading is taught by most demonstrations and searching only by some.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from igs_env.errors import DataError
from igs_env.transition import Rules, advance, begin
from igs_env.types import Episode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class DemonstrationStyle:
    """How well the script searches. What is neither good nor vague is about something else."""

    good_queries: float = 0.35
    """Share of searches for what the question needs."""
    vague_queries: float = 0.5
    """Share of searches that name nobody; their documents hardly ever help."""
    retries: float = 0.5
    """Share of vague searches after which the script tries again, where searches are left; else
    it answers with the title of the document at hand."""
    seed: int = 0


@dataclass(slots=True)
class _Script:
    """What one episode's script will do next."""

    question: Question
    told: Question
    """The question whose queries and answer are played: another one after a mistake."""
    hop: int = 0
    vague: bool = False
    """The last search was a vague one."""


def demonstrate(
    rules: Rules, questions: Sequence[Question], style: DemonstrationStyle
) -> list[Episode]:
    """One finished episode per question, in order.

    Questions need `metadata["queries"]`, the gold query of each hop; `DataError` otherwise.
    """
    lookalikes = _lookalikes(questions)
    random = np.random.default_rng(style.seed)
    scripts = [_Script(question, question) for question in questions]
    episodes = [
        begin(rules, question, group_id=f"demonstration/{place}", seed=0)
        for place, question in enumerate(questions)
    ]
    while any(not episode.done for episode in episodes):
        alive = [index for index, episode in enumerate(episodes) if not episode.done]
        outputs = [
            _output(
                scripts[index],
                episodes[index],
                rules.max_searches - episodes[index].searches,
                lookalikes[_form(scripts[index].question)],
                random,
                style,
            )
            for index in alive
        ]
        for index, episode in zip(
            alive, advance(rules, [episodes[index] for index in alive], outputs), strict=True
        ):
            episodes[index] = episode
    return episodes


def _output(
    script: _Script,
    episode: Episode,
    searches_left: int,
    same_form: Sequence[Question],
    random: np.random.Generator,
    style: DemonstrationStyle,
) -> str:
    if script.vague:
        script.vague = False
        enough = searches_left >= len(script.told.metadata["queries"]) - script.hop
        if not (enough and random.random() < style.retries):
            return f"<answer> {_title(episode)} </answer>"
    if script.hop == len(script.told.metadata["queries"]):
        return f"<answer> {script.told.answers[0]} </answer>"
    draw = random.random()
    other = same_form[int(random.integers(len(same_form)))]
    if draw < style.vague_queries:
        words = _common_start(script.told, other, script.hop)
        if words and searches_left > 0:
            script.vague = True
            return f"<search> {words} </search>"
    if draw >= style.vague_queries + style.good_queries:
        # From here on the script follows another question of the same form: it asks about the
        # wrong thing and reads the right answer to that.
        script.told = other
    query = script.told.metadata["queries"][script.hop]
    script.hop += 1
    return f"<search> {query} </search>"


def _title(episode: Episode) -> str:
    documents = episode.steps[-1].documents
    return documents[0].title if documents else "unknown"


def _common_start(one: Question, other: Question, hop: int) -> str:
    """What two questions of a form share at the start of their queries: not the names."""
    pairs = zip(
        one.metadata["queries"][hop].split(), other.metadata["queries"][hop].split(), strict=False
    )
    words = []
    for word, also in pairs:
        if word != also:
            break
        words.append(word)
    return " ".join(words)


def _form(question: Question) -> tuple[str, ...]:
    return tuple(question.metadata.get("relations", ()))


def _lookalikes(questions: Sequence[Question]) -> dict[tuple[str, ...], list[Question]]:
    groups: dict[tuple[str, ...], list[Question]] = {}
    for question in questions:
        if not question.metadata.get("queries"):
            raise DataError(
                f"question {question.id!r} has no metadata.queries; demonstrations need the gold "
                "query of each hop, as atlas and fiction have"
            )
        groups.setdefault(_form(question), []).append(question)
    return groups
