"""Demonstrations: episodes played by a script whose queries are of mixed quality.

A script that always searched well would leave nothing to learn, one that never does nothing to
reinforce. Here each query is the gold one with a given probability, else one of the mistakes
that weak searchers make; the answer is always read off the documents at hand, so that reading
is taught by every demonstration and searching only by some.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from igs_env.errors import DataError
from igs_env.transition import Rules, advance, begin
from igs_env.types import Episode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class DemonstrationStyle:
    """How well the script searches."""

    good_queries: float = 0.45
    """Share of steps that search for what the question needs."""
    seed: int = 0


@dataclass(slots=True)
class _Script:
    """What one episode's script will do next."""

    question: Question
    told: Question
    """The question whose queries and answer are played: another one after a mistake."""
    hop: int = 0


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
            _output(scripts[index], lookalikes, random, style.good_queries) for index in alive
        ]
        for index, episode in zip(
            alive, advance(rules, [episodes[index] for index in alive], outputs), strict=True
        ):
            episodes[index] = episode
    return episodes


def _output(
    script: _Script,
    lookalikes: Mapping[tuple[str, ...], Sequence[Question]],
    random: np.random.Generator,
    good_queries: float,
) -> str:
    queries = script.told.metadata["queries"]
    if script.hop == len(queries):
        return f"<answer> {script.told.answers[0]} </answer>"
    if random.random() >= good_queries:
        # From here on the script follows another question of the same form: it asks about the
        # wrong thing and reads the right answer to that.
        same = lookalikes[_form(script.question)]
        script.told = same[int(random.integers(len(same)))]
        queries = script.told.metadata["queries"]
    query = queries[script.hop]
    script.hop += 1
    return f"<search> {query} </search>"


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
