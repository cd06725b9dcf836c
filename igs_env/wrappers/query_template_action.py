"""A few discrete macro actions instead of free text, for agents that are no language models."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

import gymnasium as gym

from igs_env.errors import ConfigurationError
from igs_env.types import Episode
from igs_env.wrappers.inner import current_episode

_SPAN = re.compile(
    r"[A-ZÀ-ÞĀ-Ž0-9][\w’'.-]*(?:\s+(?:(?:of|the|and|de|von|van)\s+)?[A-ZÀ-ÞĀ-Ž0-9][\w’'.-]*)*"
)
_FUNCTION_WORDS = (
    "A An Are At By Did For From Give How In Is It Its Name Of On Tell The They This To Was Were "
    "What When Where Which Who Whose With"
)
_SENTENCE_STARTS = frozenset(_FUNCTION_WORDS.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroAction:
    """One of the choices, with the text that it stands for at this point of the episode."""

    kind: str
    """`search` or `answer`."""
    text: str
    """Query or answer; empty where there is no such span yet, which makes the action invalid."""

    @property
    def output(self) -> str:
        """What a language model would have written."""
        return f"<{self.kind}> {self.text} </{self.kind}>"


class QueryTemplateAction(gym.ActionWrapper[str, Any, str], gym.utils.RecordConstructorArgs):
    """Discrete actions over the names and numbers in sight.

    With `spans` = n the 2 + 3n actions are, in this order: search the question; search the
    question's words without its names (what is asked, of nobody); search name k of the question;
    search span k of the newest documents; answer with span k of the newest documents (k = 1 … n,
    in order of appearance, without those of the question). What each stands for now is the JSON
    list `info["choices"]`.

    >>> import igs_env
    >>> env = QueryTemplateAction(gym.make("IGSearchQA-v0"), spans=2)
    >>> _, info = env.reset(seed=0)
    >>> env.action_space, len(json.loads(info["choices"]))
    (Discrete(8), 8)
    """

    def __init__(self, env: gym.Env[str, str], spans: int = 8) -> None:
        """Wrap a text environment."""
        gym.utils.RecordConstructorArgs.__init__(self, spans=spans)
        super().__init__(env)
        if spans < 1:
            raise ConfigurationError(f"spans must be an integer of at least 1, got {spans!r}")
        self._spans = spans
        self.action_space = gym.spaces.Discrete(2 + 3 * spans)

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """As of the wrapped environment; `info` names the choices."""
        observation, info = super().reset(seed=seed, options=options)
        return observation, {**info, "choices": self._described()}

    def step(self, action: Any) -> tuple[str, Any, bool, bool, dict[str, Any]]:
        """Carry out a choice."""
        observation, reward, terminated, truncated, info = super().step(action)
        return observation, reward, terminated, truncated, {**info, "choices": self._described()}

    def action(self, action: Any) -> str:
        """The output that a choice stands for."""
        return self.choices()[int(action)].output

    def choices(self) -> list[MacroAction]:
        """Every action with its text at this point of the episode."""
        return macro_actions(current_episode(self), self._spans)

    def _described(self) -> str:
        return json.dumps([f"{c.kind}: {c.text}" for c in self.choices()], ensure_ascii=False)


def macro_actions(episode: Episode, spans: int) -> list[MacroAction]:
    """The actions of `QueryTemplateAction` at this point of an episode."""
    question = episode.question.text
    names = names_in(question)
    shown = next((s.documents for s in reversed(episode.steps) if s.documents), ())
    found = [
        name
        for name in names_in(" . ".join(f"{d.title} . {d.text}" for d in shown))
        if name not in names
    ]
    rest = question
    for name in names:
        rest = rest.replace(name, " ")
    return [
        MacroAction(kind="search", text=question),
        MacroAction(kind="search", text=" ".join(rest.split())),
        *(MacroAction(kind="search", text=text) for text in _padded(names, spans)),
        *(MacroAction(kind="search", text=text) for text in _padded(found, spans)),
        *(MacroAction(kind="answer", text=text) for text in _padded(found, spans)),
    ]


def names_in(text: str) -> list[str]:
    """Names and numbers of a text in order of appearance, each once.

    >>> names_in("Who directed the 1979 film Alien with Sigourney Weaver?")
    ['1979', 'Alien', 'Sigourney Weaver']
    """
    found = []
    for match in _SPAN.finditer(text):
        words = match.group().rstrip(".").split()
        while words and words[0] in _SENTENCE_STARTS:
            words = words[1:]
        if words:
            found.append(" ".join(words))
    return list(dict.fromkeys(found))


def _padded(texts: list[str], size: int) -> list[str]:
    return (texts + [""] * size)[:size]
