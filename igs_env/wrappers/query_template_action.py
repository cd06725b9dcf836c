"""A few discrete macro actions instead of free text, for agents that are no language models."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym

from igs_env.wrappers.inner import current_episode
from igs_env.wrappers.macro_actions import MacroAction, MacroActions


class QueryTemplateAction(gym.ActionWrapper[str, Any, str], gym.utils.RecordConstructorArgs):
    """Discrete actions: search for the question or a name, answer with a kind of fact.

    In this order: search the question; search name k of the question (k = 1 … `names`); search
    for what a slot of `follow` holds, with what the question asks; answer with each slot of
    `igs_env.wrappers.answer_slots.SLOTS`, of `cues`, and with name k of the document that is most
    about the query (k = 1 … `spans`). Slots are read off the newest documents: `director` is the
    name nearest to "directed" or "director" there, `date` the first date, and so on. `meanings`
    lists them; what each stands for now is the JSON list `info["choices"]`. An action without a
    text, such as any answer before a search, is an invalid action.

    >>> import igs_env
    >>> env = QueryTemplateAction(gym.make("IGSearchQA-SingleHop-v0"))
    >>> _ = env.reset(options={"question_id": env.unwrapped.task.questions[1].id})
    >>> env.action_space, env.meanings[:4]
    (Discrete(21), ('search question', 'search name 1', 'search name 2', 'answer title'))
    """

    def __init__(
        self,
        env: gym.Env[str, str],
        names: int = 2,
        follow: Sequence[str] = (),
        spans: int = 0,
        cues: Mapping[str, str] | None = None,
    ) -> None:
        """Wrap a text environment.

        Args:
            env: one of `igs_env`'s.
            names: names of the question that can be searched for.
            follow: slots that can be searched for, for questions of several hops.
            spans: answers by position, for texts that the cues do not fit.
            cues: more slots, each the name nearest to a regular expression.
        """
        gym.utils.RecordConstructorArgs.__init__(
            self, names=names, follow=follow, spans=spans, cues=cues
        )
        super().__init__(env)
        self._actions = MacroActions(names=names, follow=follow, spans=spans, cues=cues)
        self.action_space = gym.spaces.Discrete(len(self._actions))

    @property
    def meanings(self) -> tuple[str, ...]:
        """What each action stands for, the same at every step of every episode."""
        return self._actions.meanings

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """As of the wrapped environment; `info` names the choices."""
        observation, info = super().reset(seed=seed, options=options)
        return observation, {**info, "choices": self._actions.described(current_episode(self))}

    def step(self, action: Any) -> tuple[str, Any, bool, bool, dict[str, Any]]:
        """Carry out a choice."""
        observation, reward, terminated, truncated, info = super().step(action)
        info = {**info, "choices": self._actions.described(current_episode(self))}
        return observation, reward, terminated, truncated, info

    def action(self, action: Any) -> str:
        """The output that a choice stands for."""
        return self._actions.choice(current_episode(self), int(action)).output

    def choices(self) -> list[MacroAction]:
        """Every action with its text at this point of the episode."""
        return self._actions.choices(current_episode(self))
