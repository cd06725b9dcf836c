"""What of an episode an agent without memory may see as a vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from igs_env.errors import ConfigurationError, unknown_name
from igs_env.retrievers.encoder import Encoder
from igs_env.transition import Rules
from igs_env.types import Episode

Vector = NDArray[np.float32]
"""Shape (d,)."""
Matrix = NDArray[np.float32]
"""Shape (episodes, d)."""

PROGRESS = "progress"
_PROGRESS_LENGTH = 3

TEXT_PARTS: dict[str, Callable[[Episode, str], str]] = {
    "observation": lambda episode, observation: observation,
    "question": lambda episode, observation: episode.question.text,
    "documents": lambda episode, observation: _documents(episode),
    "transcript": lambda episode, observation: episode.transcript,
}
"""Name → text of an episode and of what its environment observed, which is encoded."""

PARTS = (*TEXT_PARTS, PROGRESS)
"""`progress`: searches and steps as shares of their limits, and 1 if there are documents."""


def check_parts(parts: Sequence[str]) -> tuple[str, ...]:
    """The parts; `ConfigurationError` for none at all or an unknown one."""
    if isinstance(parts, str) or not parts:
        raise ConfigurationError(
            f"parts must be a list of one or more of {', '.join(PARTS)}; got {parts!r}"
        )
    for part in parts:
        if part not in PARTS:
            raise unknown_name("part of an observation", part, PARTS)
    return tuple(parts)


def vector_length(parts: Sequence[str], encoder: Encoder) -> int:
    """Length of the vector of these parts."""
    dimensions = encoder.encode(["probe"]).shape[1]
    return sum(_PROGRESS_LENGTH if part == PROGRESS else dimensions for part in parts)


def embedded(
    parts: Sequence[str],
    encoder: Encoder,
    rules: Rules,
    episodes: Sequence[Episode],
    observations: Sequence[str],
) -> Matrix:
    """One row per episode: its parts' vectors, one after the other."""
    columns = [
        _progress(rules, episodes)
        if part == PROGRESS
        else encoder.encode(
            [TEXT_PARTS[part](e, text) for e, text in zip(episodes, observations, strict=True)]
        )
        for part in parts
    ]
    return np.concatenate(columns, axis=1, dtype=np.float32)


def _progress(rules: Rules, episodes: Sequence[Episode]) -> Matrix:
    rows = [
        (e.searches / rules.max_searches, len(e.steps) / rules.max_steps, bool(_documents(e)))
        for e in episodes
    ]
    return np.array(rows, dtype=np.float32)


def _documents(episode: Episode) -> str:
    """Titles and texts of the newest documents, one a line; empty before there are any."""
    shown = next((s.documents for s in reversed(episode.steps) if s.documents), ())
    return "\n".join(f"{document.title}: {document.text}" for document in shown)
