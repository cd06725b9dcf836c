"""Searched episodes and scoring requests about them, for the checkers to ask with."""

from __future__ import annotations

from igs_env.contexts import ScoreRequest, fragments
from igs_env.protocols import get_protocol
from igs_env.rewards import em
from igs_env.testing.fakes import ScriptedRetriever
from igs_env.transition import Rules, advance, begin
from igs_env.types import Document, Episode, Question

_FACTS = (
    ("Who directed Alien?", "Ridley Scott", "Alien", "A film directed by Ridley Scott."),
    ("What is the capital of Peru?", "Lima", "Peru", "A country; its capital is Lima."),
    ("Which sea is Malta in?", "the Mediterranean Sea", "Malta", "An island in the Mediterranean."),
)


def example_episodes() -> list[Episode]:
    """Three questions, each with one search that found a document.

    >>> [episode.steps[0].documents[0].title for episode in example_episodes()]
    ['Alien', 'Peru', 'Malta']
    """
    found = {
        asked: [Document(id=title.lower(), title=title, text=text)]
        for asked, _, title, text in _FACTS
    }
    rules = Rules(protocol=get_protocol("plain"), retriever=ScriptedRetriever(found), reward=em)
    questions = [
        Question(id=f"example-{number}", text=asked, answers=(answer,))
        for number, (asked, answer, _, _) in enumerate(_FACTS)
    ]
    episodes = [begin(rules, q, group_id=q.id, seed=i) for i, q in enumerate(questions)]
    return advance(rules, episodes, [f"<search> {q.text} </search>" for q in questions])


def example_requests() -> list[ScoreRequest]:
    """Per episode the gold answer in its own context, and with another episode's document."""
    episodes = example_episodes()
    others = [*episodes[1:], episodes[0]]
    return [
        ScoreRequest(
            episode=episode,
            step=0,
            target=episode.question.answers[0],
            probe=episode.protocol.probe,
            probe_end=episode.protocol.probe_end,
            replacements=replacements,
        )
        for episode, other in zip(episodes, others, strict=True)
        for replacements in ({}, {0: fragments(other)[0]})
    ]
