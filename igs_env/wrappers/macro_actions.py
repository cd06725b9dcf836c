"""A few discrete actions, and the text that each stands for at some point of an episode."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from igs_env.errors import ConfigurationError, unknown_name
from igs_env.types import Document, Episode, Search
from igs_env.wrappers.answer_slots import SLOTS, Slot, near, nth_name, reading
from igs_env.wrappers.spans import names_in

_REMEMBERED = 16_384
"""Points of episodes whose choices are kept, a few kilobytes each."""
_Seen = tuple[str, str, tuple[Document, ...]]
"""Question, newest query and what it brought, which decide what can be chosen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MacroAction:
    """One of the choices, with the text that it stands for at this point of the episode."""

    kind: Literal["search", "answer"]
    source: str
    """Where the text comes from: `question`, `name 1`, or the name of a slot."""
    text: str
    """Query or answer; empty where there is no such text now, which makes the action invalid."""

    @property
    def output(self) -> str:
        """What a language model would have written."""
        return f"<{self.kind}> {self.text} </{self.kind}>"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Point:
    choices: tuple[MacroAction, ...]
    described: str


class MacroActions:
    """Which choices there are; index i has the same meaning at every point of every episode.

    >>> actions = MacroActions(names=1, follow=("director",))
    >>> actions.meanings[:4]
    ('search question', 'search name 1', 'search director', 'answer title')
    """

    def __init__(
        self,
        *,
        names: int = 2,
        follow: Sequence[str] = (),
        spans: int = 0,
        cues: Mapping[str, str] | None = None,
    ) -> None:
        """See `QueryTemplateAction` for what the arguments mean."""
        _check_count("names", names)
        _check_count("spans", spans)
        self._names = names
        self._slots: dict[str, Slot] = {**SLOTS, **_from_cues(cues or {})}
        self._slots |= {f"span {k + 1}": nth_name(k) for k in range(spans)}
        for name in follow:
            if name not in self._slots:
                raise unknown_name("slot to follow", name, self._slots)
        self._follow = tuple(follow)
        self._points: dict[_Seen, _Point] = {}
        self.meanings = (
            "search question",
            *(f"search name {k + 1}" for k in range(names)),
            *(f"search {name}" for name in self._follow),
            *(f"answer {name}" for name in self._slots),
        )
        """What each index stands for."""

    def __len__(self) -> int:
        """Number of choices."""
        return len(self.meanings)

    def choices(self, episode: Episode) -> list[MacroAction]:
        """Every action with its text at this point of the episode."""
        return list(self._point(episode).choices)

    def described(self, episode: Episode) -> str:
        """The same as one JSON list of lines."""
        return self._point(episode).described

    def choice(self, episode: Episode, index: int) -> MacroAction:
        """The action of that index; `ConfigurationError` if there is none."""
        if not 0 <= index < len(self):
            raise ConfigurationError(
                f"there are actions 0 to {len(self) - 1}, got {index}; see `meanings`"
            )
        return self._point(episode).choices[index]

    def _point(self, episode: Episode) -> _Point:
        # An episode's choices are asked for twice, as info and as action, and agents of few
        # actions make the same search of a question again and again.
        seen = _seen(episode)
        if seen not in self._points:
            while len(self._points) >= _REMEMBERED:
                del self._points[next(iter(self._points))]
            self._points[seen] = self._read(*seen)
        return self._points[seen]

    def _read(self, question: str, query: str, documents: tuple[Document, ...]) -> _Point:
        texts = dict.fromkeys(self._slots, "")
        if documents:
            found = reading(question, query, documents)
            texts = {name: slot(found) for name, slot in self._slots.items()}
        choices = (*self._searches(question, texts), *_answers(texts))
        lines = [f"{c.kind} {c.source}: {c.text}" for c in choices]
        return _Point(choices=choices, described=json.dumps(lines, ensure_ascii=False))

    def _searches(self, question: str, texts: Mapping[str, str]) -> Iterator[MacroAction]:
        names = [name.text for name in names_in(question)]
        yield MacroAction(kind="search", source="question", text=question)
        for k in range(self._names):
            text = names[k] if k < len(names) else ""
            yield MacroAction(kind="search", source=f"name {k + 1}", text=text)
        asked = _without(question, names)
        for name in self._follow:
            text = f"{texts[name]} {asked}" if texts[name] else ""
            yield MacroAction(kind="search", source=name, text=text)


def _check_count(argument: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise ConfigurationError(f"{argument} must be an integer of at least 0, got {value!r}")


def _answers(texts: Mapping[str, str]) -> Iterator[MacroAction]:
    for name, text in texts.items():
        yield MacroAction(kind="answer", source=name, text=text)


def _seen(episode: Episode) -> _Seen:
    for step in reversed(episode.steps):
        if step.documents and isinstance(step.action, Search):
            return episode.question.text, step.action.query, step.documents
    return episode.question.text, "", ()


def _without(question: str, names: Sequence[str]) -> str:
    """What is asked, of nobody: the question without its names."""
    for name in names:
        question = question.replace(name, " ")
    return " ".join(question.split())


def _from_cues(cues: Mapping[str, str]) -> dict[str, Slot]:
    for name, cue in cues.items():
        try:
            re.compile(cue)
        except re.error as error:
            raise ConfigurationError(
                f"the cue of {name!r} is no regular expression: {cue!r}: {error}"
            ) from error
    return {name: near(cue) for name, cue in cues.items()}
