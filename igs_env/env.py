"""`SearchEnv`: search-augmented question answering as a Gymnasium environment."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import gymnasium as gym
from gymnasium.error import ResetNeeded

from igs_env.errors import ConfigurationError, unknown_name
from igs_env.info import make_info
from igs_env.rendering import render_episode
from igs_env.sampling import chosen_question, new_episode
from igs_env.spaces import UnicodeText
from igs_env.task import Task, TaskOptions, make_task
from igs_env.transition import advance, reward
from igs_env.types import Episode, InformationGain


class SearchEnv(gym.Env[str, str]):
    """One episode at a time: a question, searches, an answer.

    The observation is the *new* text only: the prompt after `reset`, a documents block after a
    search. An action is the model's output, any string; what follows its first complete
    `<search>…</search>` or `<answer>…</answer>` is discarded. The reward comes with the last
    step. `info` is `igs_env.types.StepInfo`, with the counterfactual information gain of the
    step's search.

    >>> import igs_env
    >>> env = gym.make("IGSearchQA-v0")
    >>> prompt, info = env.reset(seed=0)
    >>> text, reward, terminated, truncated, info = env.step("<search>capital of Peru</search>")
    >>> info["action"], info["information_gain_valid"], len(info["documents"])
    ('search', True, 3)
    """

    metadata = {"render_modes": ["human", "ansi"], "render_fps": 4}  # noqa: RUF012 - as in gymnasium

    def __init__(
        self,
        *,
        render_mode: str | None = None,
        task: Task | None = None,
        **options: Unpack[TaskOptions],
    ) -> None:
        """Make the environment of a task.

        Args:
            render_mode: `ansi` (render returns text) or `human` (prints as it goes).
            task: a task that was made before; `options` must then be empty.
            **options: see `igs_env.task.TaskOptions`.
        """
        if render_mode is not None and render_mode not in self.metadata["render_modes"]:
            raise unknown_name("render mode", render_mode, self.metadata["render_modes"])
        if task is not None and options:
            raise ConfigurationError("give a task or its options, not both")
        self.render_mode = render_mode
        self.task = task or make_task(**options)
        self.observation_space = UnicodeText()
        self.action_space = UnicodeText()
        self.episode: Episode | None = None
        """The episode as far as it went."""
        self.gains: tuple[InformationGain | None, ...] = ()
        """Gain of each step of `episode`."""

    def reset(
        self, *, seed: int | None = None, options: Mapping[str, Any] | None = None
    ) -> tuple[str, dict[str, Any]]:
        """Begin an episode.

        Args:
            seed: restarts the environment's generator.
            options: `question_id` or `question` to choose what is asked; else it is drawn, from
                another `split` where one is named.

        Returns:
            The prompt with the question, and `info`.
        """
        super().reset(seed=seed)
        question = chosen_question(self.task, options)
        split = (options or {}).get("split")
        self.episode = new_episode(self.task, self.np_random, question=question, split=split)
        self.gains = ()
        self._show()
        return self.episode.prompt, dict(make_info(self.task, self.episode, None))

    def step(self, action: str) -> tuple[str, float, bool, bool, dict[str, Any]]:
        """Take the model's output as the episode's next step.

        Returns:
            (observation, reward, terminated, truncated, info); the observation is empty when
            nothing new is to be read.
        """
        if self.episode is None or self.episode.done:
            raise ResetNeeded("the episode is over or was never begun: call reset() first")
        if not isinstance(action, str):
            raise ConfigurationError(
                f"an action is the model's text, a str; got {type(action).__name__}"
            )
        (episode,) = advance(self.task.rules, [self.episode], [action])
        (gain,) = self.task.gains([episode], batch=[episode])
        self.episode, self.gains = episode, (*self.gains, gain)
        self._show()
        return (
            episode.steps[-1].observation,
            reward(self.task.rules, episode),
            episode.terminated,
            episode.truncated,
            dict(make_info(self.task, episode, gain)),
        )

    def render(self) -> str | None:
        """The episode so far as text with `ansi`; None with `human`, which prints by itself."""
        if self.render_mode is None:
            gym.logger.warn('render() needs a render mode: gym.make(…, render_mode="ansi")')
        if self.render_mode != "ansi" or self.episode is None:
            return None
        return render_episode(self.episode, self.gains)

    def _show(self) -> None:
        if self.render_mode == "human" and self.episode is not None:
            text = render_episode(self.episode, self.gains)
            # A lone surrogate, which a model may write, cannot be encoded for a terminal.
            print(text.encode("utf-8", "replace").decode("utf-8"), flush=True)  # noqa: T201
