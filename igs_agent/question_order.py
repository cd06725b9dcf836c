"""Which questions an update asks."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from igs_env.errors import ConfigurationError
from igs_env.types import Question


def questions_of_update(
    questions: Sequence[Question], number: int, count: int, seed: int
) -> list[Question]:
    """Questions of update `number`: epochs are seeded permutations, read one after the other."""
    if count > len(questions):
        raise ConfigurationError(
            f"rollout.questions is {count}, but there are only {len(questions)} questions"
        )
    chosen: list[Question] = []
    place = number * count
    while len(chosen) < count:
        epoch, offset = divmod(place + len(chosen), len(questions))
        order = np.random.default_rng([seed, epoch]).permutation(len(questions))
        chosen += [questions[int(i)] for i in order[offset : offset + count - len(chosen)]]
    return chosen
