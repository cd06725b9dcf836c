"""Names that take the place of others, so that a policy learns to copy what it reads."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from igs_env.types import Episode, Question


def other_names(
    episodes: Sequence[Episode], questions: Sequence[Question], share: float, seed: int
) -> list[dict[str, str]]:
    """For each episode a renaming of what its question is about and of its answer.

    Args:
        episodes: played on some of the questions.
        questions: their names are drawn from; `metadata["entities"]` and the first answer.
        share: of the episodes that are renamed; the others get an empty renaming.
        seed: of the draws.
    """
    random = np.random.default_rng([seed, 1])
    pool = sorted({name for question in questions for name in names_of(question)})
    return [
        {
            name: pool[int(random.integers(len(pool)))]
            for name in (names_of(episode.question) if random.random() < share else ())
        }
        for episode in episodes
    ]


def names_of(question: Question) -> list[str]:
    """Names in a question, of its bridges and of its answer: not years, numbers, yes and no.

    >>> metadata = {"entities": ["Jaws", "1975"]}
    >>> names_of(Question(id="1", text="?", answers=("Ann Lee",), metadata=metadata))
    ['Jaws', 'Ann Lee']
    """
    found = [*question.metadata["entities"], question.answers[0]]
    return [name for name in found if name[:1].isupper() and not any(c.isdigit() for c in name)]
