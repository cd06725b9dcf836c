"""`SearchVectorEnv`: many episodes at once, one retrieval and one scoring call per step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from igs_env.errors import ConfigurationError
from igs_env.info import make_info, vector_info
from igs_env.sampling import new_episode
from igs_env.spaces import UnicodeText
from igs_env.task import Task, TaskOptions, make_task
from igs_env.transition import advance, reward
from igs_env.types import Episode, InformationGain, Question, StepInfo
from igs_env.vector_options import (
    check_actions,
    check_arguments,
    mode_named,
    read_reset_options,
)


class SearchVectorEnv(VectorEnv[tuple[str, ...], tuple[str, ...], NDArray[Any]]):
    """`num_envs` episodes that step together.

    Environment `i` behaves exactly as a `SearchEnv` that was seeded with `seed + i`. With
    `group_size` G > 1 environments `g·G … g·G + G − 1` share question, group id and
    counterfactual draws, as GRPO's rollouts do; they are then reset by the caller
    (`autoreset_mode=AutoresetMode.DISABLED`, `reset(options={"reset_mask": …})`).

    >>> import gymnasium as gym, igs_env
    >>> envs = gym.make_vec("IGSearchQA-v0", num_envs=2)
    >>> prompts, infos = envs.reset(seed=0)
    >>> _, rewards, *_ = envs.step(("<answer>x</answer>", "<search>y</search>"))
    >>> rewards.tolist()
    [0.0, 0.0]
    """

    metadata = {  # noqa: RUF012 - as in gymnasium
        "render_modes": [],
        "autoreset_mode": AutoresetMode.NEXT_STEP,
    }

    def __init__(
        self,
        num_envs: int = 1,
        *,
        group_size: int = 1,
        autoreset_mode: AutoresetMode | str = AutoresetMode.NEXT_STEP,
        max_episode_steps: int | None = None,
        render_mode: str | None = None,
        task: Task | None = None,
        **options: Unpack[TaskOptions],
    ) -> None:
        """Make the environments of a task.

        Args:
            num_envs: number of episodes, a multiple of `group_size`.
            group_size: rollouts per question.
            autoreset_mode: NEXT_STEP (Gymnasium's default), SAME_STEP or DISABLED.
            max_episode_steps: refused; a task limits its episodes by `max_searches`.
            render_mode: refused; render single environments.
            task: a task that was made before; `options` must then be empty.
            **options: see `igs_env.task.TaskOptions`.
        """
        mode = mode_named(autoreset_mode)
        check_arguments(num_envs, group_size, mode, max_episode_steps, render_mode)
        if task is not None and options:
            raise ConfigurationError("give a task or its options, not both")
        self.task = task or make_task(**options)
        self.num_envs, self.group_size = num_envs, group_size
        self.metadata = {**self.metadata, "autoreset_mode": mode}
        self.render_mode = None
        self.single_observation_space = UnicodeText()
        self.single_action_space = UnicodeText()
        self.observation_space = batch_space(self.single_observation_space, num_envs)
        self.action_space = batch_space(self.single_action_space, num_envs)
        self.episodes: list[Episode] = []
        """Each environment's episode as far as it went."""
        self.gains: list[tuple[InformationGain | None, ...]] = [()] * num_envs
        """Per environment, the gain of each step of its episode."""
        self._randoms = [seeding.np_random()[0] for _ in range(num_envs)]

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Begin episodes, in all environments or in those of `options["reset_mask"]`.

        Args:
            seed: environment i gets seed + i; or one seed, or None, per environment. Those that
                are not reset keep their generators.
            options: see `igs_env.vector_options.VECTOR_RESET_OPTIONS`.

        Returns:
            One prompt per environment (for one that was not reset the observation that it gave
            last, as from Gymnasium's own), and infos with Gymnasium's `_key` masks.
        """
        mask, questions = read_reset_options(
            self.task, options or {}, num_envs=self.num_envs, group_size=self.group_size
        )
        if not self.episodes and not mask.all():
            raise ResetNeeded("the first reset must be of all environments")
        self._seed(seed, mask)
        split = (options or {}).get("split")
        self._begin([int(i) for i in np.flatnonzero(mask)], questions, split)
        observations = tuple(self._observation(i) for i in range(self.num_envs))
        infos = vector_info(
            {int(i): self._info(int(i)) for i in np.flatnonzero(mask)}, self.num_envs
        )
        return observations, infos

    def step(
        self, actions: Sequence[str]
    ) -> tuple[tuple[str, ...], NDArray[Any], NDArray[Any], NDArray[Any], dict[str, Any]]:
        """One output per environment.

        An environment whose episode is over begins a new one instead (NEXT_STEP), or waits,
        its action unread, with an empty observation (DISABLED).
        """
        if not self.episodes:
            raise ResetNeeded("call reset() before step()")
        check_actions(actions, self.num_envs)
        mode = self.metadata["autoreset_mode"]
        over = [i for i, episode in enumerate(self.episodes) if episode.done]
        live = [i for i, episode in enumerate(self.episodes) if not episode.done]
        self._advance(live, [actions[i] for i in live])
        if mode is AutoresetMode.NEXT_STEP:
            self._begin(over, {})
        reported = range(self.num_envs) if mode is AutoresetMode.NEXT_STEP else live
        infos = vector_info({i: self._info(i) for i in reported}, self.num_envs)
        observations = [self._observation(i) for i in range(self.num_envs)]
        rewards = np.zeros(self.num_envs)
        if mode is AutoresetMode.DISABLED:
            for i in over:
                observations[i] = ""
        for i in live:
            rewards[i] = reward(self.task.rules, self.episodes[i])
        terminated = np.array([episode.terminated for episode in self.episodes])
        truncated = np.array([episode.truncated for episode in self.episodes])
        if mode is AutoresetMode.SAME_STEP:
            infos = self._same_step(observations, infos)
        return tuple(observations), rewards, terminated, truncated, infos

    def _same_step(self, observations: list[str], infos: dict[str, Any]) -> dict[str, Any]:
        """Begin anew where an episode has just ended; what ended goes to `final_obs/info`."""
        ended = [i for i, episode in enumerate(self.episodes) if episode.done]
        if not ended:
            return infos
        finals = {i: (observations[i], self._info(i)) for i in ended}
        self._begin(ended, {})
        merged = vector_info({i: self._info(i) for i in range(self.num_envs)}, self.num_envs)
        for i, (text, final) in finals.items():
            observations[i] = self._observation(i)
            merged = self._add_info(merged, {"final_obs": text, "final_info": dict(final)}, i)
        return merged

    def _advance(self, indices: Sequence[int], outputs: Sequence[str]) -> None:
        advanced = advance(self.task.rules, [self.episodes[i] for i in indices], outputs)
        for index, episode in zip(indices, advanced, strict=True):
            self.episodes[index] = episode
        gains = self.task.gains(advanced, batch=self.episodes)
        for index, gain in zip(indices, gains, strict=True):
            self.gains[index] = (*self.gains[index], gain)

    def _begin(
        self,
        indices: Sequence[int],
        questions: Mapping[int, Question],
        split: str | None = None,
    ) -> None:
        if not self.episodes:
            self.episodes = [
                new_episode(self.task, np.random.default_rng(0)) for _ in range(self.num_envs)
            ]
        for index in indices:
            group, member = divmod(index, self.group_size)
            first = self.episodes[group * self.group_size] if member else None
            self.episodes[index] = new_episode(
                self.task,
                self._randoms[index],
                question=questions.get(group),
                split=split,
                member=member,
                first=first,
            )
            self.gains[index] = ()

    def _seed(self, seed: int | list[int | None] | None, mask: NDArray[np.bool_]) -> None:
        seeds: list[int | None]
        if seed is None or isinstance(seed, int):
            seeds = [None if seed is None else seed + i for i in range(self.num_envs)]
        else:
            seeds = list(seed)
        if len(seeds) != self.num_envs:
            raise ConfigurationError(f"expected {self.num_envs} seeds, got {len(seeds)}")
        for index in map(int, np.flatnonzero(mask)):
            if seeds[index] is not None:
                self._randoms[index] = seeding.np_random(seeds[index])[0]

    def _observation(self, index: int) -> str:
        episode = self.episodes[index]
        return episode.steps[-1].observation if episode.steps else episode.prompt

    def _info(self, index: int) -> StepInfo:
        gains = self.gains[index]
        return make_info(self.task, self.episodes[index], gains[-1] if gains else None)
