"""How many tokens an episode has at most, before a tokenizer is at hand."""

from __future__ import annotations

from dataclasses import dataclass

from igs_agent.config import TrainConfig
from igs_env.transition import EXTRA_STEPS, Rules

PROMPT = 200
"""Tokens of instructions and question."""
DOCUMENT = 150
"""Tokens of a passage of 100 English words, wiki-18's length, with its title."""
CHARACTERS = 4
"""Of a token of English, about."""
ANSWER = 10
"""Tokens of a gold answer with its tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeSize:
    """Tokens of an episode that searches as often as it may and fills every turn."""

    prompt: int
    documents: int
    """Of all searches together."""
    written: int
    """By the policy."""
    searches: int

    @property
    def total(self) -> int:
        """All of them."""
        return self.prompt + self.documents + self.written


def episode_size(config: TrainConfig) -> EpisodeSize:
    """The longest episode that the configuration allows.

    `max_searches` searches of `top_k` documents, and `max_searches` + 3 turns of
    `rollout.max_tokens`.

    >>> episode_size(TrainConfig()).documents == 5 * 3 * DOCUMENT
    True
    """
    default = {name: Rules.__dataclass_fields__[name].default for name in _LIMITS}
    top_k, searches, length = (int(config.env.get(name, default[name])) for name in _LIMITS)
    return EpisodeSize(
        prompt=PROMPT,
        documents=searches * top_k * min(DOCUMENT, max(1, length // CHARACTERS)),
        written=(searches + EXTRA_STEPS) * config.rollout.max_tokens,
        searches=searches,
    )


_LIMITS = ("top_k", "max_searches", "max_document_length")
