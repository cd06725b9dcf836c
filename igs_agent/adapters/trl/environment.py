"""The environment as tools of a chat model: what TRL calls an `environment_factory`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from igs_env.actions import neutralise
from igs_env.errors import ConfigurationError
from igs_env.protocols import Protocol
from igs_env.task import Task
from igs_env.transition import advance, begin, reward
from igs_env.types import Episode, InformationGain

TOOLS = Protocol(
    name="tools",
    documents_tag="information",
    refine=False,
    instruction="{question}",
    default_reward="em",
    reminder="That call held no text.",
    exhausted="No searches are left. Call answer now.",
)
"""What the environment says to a model that calls tools and knows no tags."""


class SearchEnvironment:
    """One episode, acted on by the tools `search` and `answer`.

    Every public method but `reset` and `get_reward` is a tool for TRL; a trainer takes
    `environment_factory=partial(SearchEnvironment, task)` and the data set `tool_dataset(task)`.
    The chat template, the tool calls and the tokens are TRL's own.
    """

    def __init__(self, task: Task, *, gain_weight: float = 0.0) -> None:
        """Play the task's questions under its rules, in the words of `TOOLS`.

        Args:
            task: its protocol is replaced; its scorer and sampler measure the gain.
            gain_weight: of the searches' mean information gain in the reward; 0 leaves it out.

        Raises:
            ConfigurationError: a weight for a gain that the task does not measure.
        """
        if gain_weight and task.scorer is None:
            raise ConfigurationError(
                f"gain_weight is {gain_weight}, but this task measures no gain; make it with a "
                "scorer and a sampler"
            )
        self.task = task
        self.rules = replace(task.rules, protocol=TOOLS)
        self.gain_weight = gain_weight
        self.episode: Episode | None = None
        self.gains: tuple[InformationGain, ...] = ()
        """One per search that a gain was measured for."""

    def reset(self, question_id: str | None = None, **row: Any) -> str:
        """Begin an episode; the question's text, which TRL puts behind the prompt."""
        if question_id is None:
            raise ConfigurationError(
                f"the data set's rows need a question_id, got {sorted(row)}; use tool_dataset(task)"
            )
        question = self.task.question(question_id)
        # The seed decides which counterfactuals are drawn: the same for a question's rollouts.
        seed = int(np.random.SeedSequence(list(question_id.encode())).generate_state(1)[0])
        self.episode = begin(self.rules, question, group_id=question_id, seed=seed)
        self.gains = ()
        return self.episode.prompt

    def search(self, query: str) -> str:
        """
        Search the corpus.

        Args:
            query: What to look for, in a few words.

        Returns:
            The documents that were found.
        """
        return self._act("search", query)

    def answer(self, text: str) -> str:
        """
        Give the final answer, which ends the episode.

        Args:
            text: The answer and nothing but it.

        Returns:
            A confirmation.
        """
        return self._act("answer", text) or "The answer was taken."

    def get_reward(self) -> float | None:
        """The episode's reward, 0 before an answer; None when a search could not be carried out."""
        episode = self.episode
        if episode is None or not episode.steps:
            return 0.0
        if episode.steps[-1].retrieval_failed:
            return None
        gain = sum(gain.value for gain in self.gains) / max(1, len(self.gains))
        return reward(self.rules, episode) + self.gain_weight * gain

    def _act(self, tag: str, text: str) -> str:
        if self.episode is None:
            raise ConfigurationError("no episode has begun: call reset() first")
        if self.episode.done:
            return "The episode is over."
        output = f"<{tag}> {neutralise(str(text))} </{tag}>"
        (self.episode,) = advance(self.rules, [self.episode], [output])
        gain = self.task.gains([self.episode], batch=[self.episode])[0]
        self.gains += () if gain is None else (gain,)
        return self.episode.steps[-1].observation.strip()
