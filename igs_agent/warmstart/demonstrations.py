"""Demonstrations: episodes played by a script whose queries are of mixed quality.

A script that always searched well would leave nothing to learn, one that never does nothing to
reinforce. Here each query is the gold one with a given probability, else one of two mistakes that
weak searchers make: a vague query, which says what is asked but not about whom ("director of the
film"), or a query about something else. Answers are read off the documents at hand wherever these
have one, so that reading is taught by most demonstrations and searching only by some.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from igs_env.answers import sub_exact_match
from igs_env.errors import DataError
from igs_env.transition import Rules, advance, begin
from igs_env.types import Episode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class DemonstrationStyle:
    """How well the script searches. What is neither good nor vague is about something else.

    A question that is the only one of its form is always searched well: nobody could mistake it.
    """

    good_queries: float = 0.5
    """Share of searches for what the question needs."""
    vague_queries: float = 0.35
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
    invented: bool = False
    """It wrote something that stood neither in the question nor in a document."""


def demonstrate(
    rules: Rules, questions: Sequence[Question], style: DemonstrationStyle
) -> list[Episode]:
    """At most one finished episode per question, in order.

    Left out are those in which a document that the script counts on was not found: whoever learns
    from them learns to invent names.

    Args:
        rules: of the task.
        questions: with `metadata["queries"]` and `metadata["entities"]`, the gold query of each
            hop and what it is about; `DataError` otherwise.
        style: how well the script searches.
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
        outputs = []
        for index in alive:
            script, episode = scripts[index], episodes[index]
            other = _other(script.question, lookalikes, random)
            searches_left = rules.max_searches - episode.searches
            outputs.append(_output(script, episode, searches_left, other, random, style))
        for index, episode in zip(
            alive, advance(rules, [episodes[index] for index in alive], outputs), strict=True
        ):
            episodes[index] = episode
    return [
        episode for script, episode in zip(scripts, episodes, strict=True) if not script.invented
    ]


def _output(
    script: _Script,
    episode: Episode,
    searches_left: int,
    other: Question | None,
    random: np.random.Generator,
    style: DemonstrationStyle,
) -> str:
    queries, entities = script.told.metadata["queries"], script.told.metadata["entities"]
    if script.vague:
        script.vague = False
        enough = searches_left >= len(queries) - script.hop
        if not (enough and random.random() < style.retries):
            return f"<answer> {_title(episode)} </answer>"
    if script.hop == len(queries):
        answer = script.told.answers[0]
        script.invented |= not (answer in ("yes", "no") or _was_read(answer, episode))
        return f"<answer> {answer} </answer>"
    draw = random.random()
    if draw < style.vague_queries and searches_left > 0:
        words = " ".join(queries[script.hop].replace(entities[script.hop], " ").split())
        if words not in ("", queries[script.hop]):
            script.vague = True
            return f"<search> {words} </search>"
    if other is not None and draw >= style.vague_queries + style.good_queries:
        # From here on the script follows another question of the same form: it asks about the
        # wrong thing and reads the right answer to that.
        script.told = other
        queries, entities = other.metadata["queries"], other.metadata["entities"]
    elif script.hop:
        script.invented |= not _was_read(entities[script.hop], episode)
    query = queries[script.hop]
    script.hop += 1
    return f"<search> {query} </search>"


def _was_read(text: str, episode: Episode) -> bool:
    """Whether a text stands in the question or in a document that the episode has shown."""
    shown = " ".join([episode.question.text, *(step.observation for step in episode.steps)])
    return sub_exact_match(shown, [text]) == 1.0


def _title(episode: Episode) -> str:
    documents = episode.steps[-1].documents
    return documents[0].title if documents else "unknown"


def _other(
    question: Question,
    lookalikes: Mapping[tuple[str, ...], Sequence[Question]],
    random: np.random.Generator,
) -> Question | None:
    """A question of the same form with other queries; None where there is none."""
    same = lookalikes[_form(question)]
    start = int(random.integers(len(same)))
    around = (same[(start + step) % len(same)] for step in range(len(same)))
    own = question.metadata["queries"]
    return next((one for one in around if one.metadata["queries"] != own), None)


def _form(question: Question) -> tuple[str, ...]:
    return tuple(question.metadata.get("relations", ()))


def _lookalikes(questions: Sequence[Question]) -> dict[tuple[str, ...], list[Question]]:
    groups: dict[tuple[str, ...], list[Question]] = {}
    for question in questions:
        if not (question.metadata.get("queries") and question.metadata.get("entities")):
            raise DataError(
                f"question {question.id!r} has no metadata.queries or no metadata.entities; "
                "demonstrations need the gold query of each hop and what it is about, as atlas "
                "and fiction have"
            )
        groups.setdefault(_form(question), []).append(question)
    return groups


def of_epoch(
    questions: Sequence[Question], count: int, epoch: int, seed: int
) -> Sequence[Question]:
    """`count` of the questions, others in every epoch until all had their turn; 0: all of them.

    >>> asked = [Question(id=str(i), text="?", answers=("x",)) for i in range(4)]
    >>> drawn = [q.id for epoch in (0, 1) for q in of_epoch(asked, 2, epoch, seed=0)]
    >>> sorted(drawn)
    ['0', '1', '2', '3']
    """
    if not 0 < count < len(questions):
        return questions
    order = np.random.default_rng(seed).permutation(len(questions))
    places = [int(order[(epoch * count + i) % len(order)]) for i in range(count)]
    return [questions[place] for place in sorted(places)]
