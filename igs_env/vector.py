"""`SearchVectorEnv`: many episodes at once, one retrieval and one scoring call per step."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Unpack, get_type_hints

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.utils import seeding
from gymnasium.vector import AutoresetMode, VectorEnv
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from igs_env.errors import ConfigurationError, unknown_name
from igs_env.info import make_info
from igs_env.sampling import RESET_OPTIONS, chosen_question, new_episode
from igs_env.spaces import UnicodeText
from igs_env.task import Task, TaskOptions, make_task
from igs_env.transition import advance, reward
from igs_env.types import Episode, InformationGain, Question, StepInfo

VECTOR_RESET_OPTIONS = ("reset_mask", "question_ids", "questions", *RESET_OPTIONS)
"""`reset_mask`: bool array, which environments to reset. `question_ids` or `questions`: one per
group. `question_id` or `question`: the same for all."""


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
        mode = _autoreset_mode(autoreset_mode)
        _check_arguments(num_envs, group_size, mode, max_episode_steps, render_mode)
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
            options: see `VECTOR_RESET_OPTIONS`.

        Returns:
            One prompt per environment (for one that was not reset the observation that it gave
            last, as from Gymnasium's own), and infos with Gymnasium's `_key` masks.
        """
        mask, questions = self._read_options(options or {})
        self._seed(seed, mask)
        self._begin(np.flatnonzero(mask), questions)
        observations = tuple(self._observation(i) for i in range(self.num_envs))
        infos = self._infos({int(i): self._info(int(i)) for i in np.flatnonzero(mask)})
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
        _check_actions(actions, self.num_envs)
        mode = self.metadata["autoreset_mode"]
        over = np.array([episode.done for episode in self.episodes])
        live = np.flatnonzero(~over)
        self._advance(live, [actions[int(i)] for i in live])
        if mode is AutoresetMode.NEXT_STEP:
            self._begin(np.flatnonzero(over), {})
        reported = range(self.num_envs) if mode is AutoresetMode.NEXT_STEP else live
        infos = self._infos({int(i): self._info(int(i)) for i in reported})
        observations = [self._observation(i) for i in range(self.num_envs)]
        if mode is AutoresetMode.DISABLED:
            observations = ["" if over[i] else text for i, text in enumerate(observations)]
        rewards = np.zeros(self.num_envs)
        rewards[live] = [reward(self.task.rules, self.episodes[i]) for i in live]
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
        self._begin(np.array(ended), {})
        merged = self._infos({i: self._info(i) for i in range(self.num_envs)})
        for i, (text, final) in finals.items():
            observations[i] = self._observation(i)
            merged = self._add_info(merged, {"final_obs": text, "final_info": dict(final)}, i)
        return merged

    def _advance(self, indices: NDArray[np.intp], outputs: Sequence[str]) -> None:
        advanced = advance(self.task.rules, [self.episodes[i] for i in indices], outputs)
        for index, episode in zip(indices, advanced, strict=True):
            self.episodes[index] = episode
        gains = self.task.gains(advanced, batch=self.episodes)
        for index, gain in zip(indices, gains, strict=True):
            self.gains[index] = (*self.gains[index], gain)

    def _begin(self, indices: NDArray[np.intp], questions: Mapping[int, Question]) -> None:
        if not self.episodes:
            self.episodes = [
                new_episode(self.task, np.random.default_rng(0)) for _ in range(self.num_envs)
            ]
        for index in map(int, indices):
            group, member = divmod(index, self.group_size)
            first = self.episodes[group * self.group_size] if member else None
            self.episodes[index] = new_episode(
                self.task,
                self._randoms[index],
                question=questions.get(group),
                member=member,
                first=first,
            )
            self.gains[index] = ()

    def _read_options(
        self, options: Mapping[str, Any]
    ) -> tuple[NDArray[np.bool_], dict[int, Question]]:
        """(which environments to reset, group index → its question where one was chosen)."""
        unknown = sorted(set(options) - set(VECTOR_RESET_OPTIONS))
        if unknown:
            raise unknown_name("reset option", unknown[0], VECTOR_RESET_OPTIONS)
        mask = _reset_mask(options.get("reset_mask"), self.num_envs, self.group_size)
        if not self.episodes and not mask.all():
            raise ResetNeeded("the first reset must be of all environments")
        groups = sorted({int(i) // self.group_size for i in np.flatnonzero(mask)})
        chosen_by = [key for key in VECTOR_RESET_OPTIONS[1:] if key in options]
        if len(chosen_by) > 1:
            raise ConfigurationError(f"give {chosen_by[0]} or {chosen_by[1]}, not both")
        many = [key for key in ("question_ids", "questions") if key in options]
        if not many:
            single = {key: options[key] for key in RESET_OPTIONS if key in options}
            question = chosen_question(self.task, single)
            return mask, {} if question is None else dict.fromkeys(groups, question)
        key = many[0]
        given = len(options[key]) if isinstance(options[key], Sequence) else "no list"
        if given != len(groups):
            raise ConfigurationError(
                f"{key} must name one question per group that is reset: expected {len(groups)}, "
                f"got {given}"
            )
        chosen = [chosen_question(self.task, {key.removesuffix("s"): one}) for one in options[key]]
        return mask, {g: q for g, q in zip(groups, chosen, strict=True) if q is not None}

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

    def _infos(self, by_index: Mapping[int, StepInfo]) -> dict[str, Any]:
        """Gymnasium's vector form: one array per key, and a `_key` mask of who reported it."""
        if not by_index:
            return {}
        mask = np.zeros(self.num_envs, dtype=np.bool_)
        mask[list(by_index)] = True
        infos: dict[str, Any] = {}
        for key in _INFO_TYPES:
            column = _empty_column(key, self.num_envs)
            for index, info in by_index.items():
                column[index] = info[key]  # type: ignore[literal-required]
            infos[key] = column
            infos[f"_{key}"] = mask.copy()
        return infos


_DTYPES: dict[Any, Any] = {int: np.int64, float: np.float64, bool: np.bool_}
_INFO_TYPES = get_type_hints(StepInfo)


def _empty_column(key: str, size: int) -> NDArray[Any]:
    dtype = _DTYPES.get(_INFO_TYPES[key])
    return np.full(size, None, dtype=object) if dtype is None else np.zeros(size, dtype=dtype)


def _autoreset_mode(mode: AutoresetMode | str) -> AutoresetMode:
    try:
        return AutoresetMode(mode)
    except ValueError:
        known = [known.value for known in AutoresetMode]
        raise unknown_name("autoreset mode", str(mode), known) from None


def _reset_mask(mask: Any, size: int, group_size: int) -> NDArray[np.bool_]:
    if mask is None:
        return np.ones(size, dtype=np.bool_)
    given = np.asarray(mask)
    if given.dtype != np.bool_ or given.shape != (size,):
        raise ConfigurationError(
            f"reset_mask must be a bool array of shape ({size},), got {given.dtype} {given.shape}"
        )
    groups = given.reshape(-1, group_size)
    if not (groups.all(axis=1) | ~groups.any(axis=1)).all():
        raise ConfigurationError(
            "reset_mask must cover whole groups: their members share a question"
        )
    return given


def _check_actions(actions: Sequence[str], size: int) -> None:
    if isinstance(actions, str) or len(actions) != size:
        raise ConfigurationError(f"expected {size} actions, one str per environment")
    for index, action in enumerate(actions):
        if not isinstance(action, str):
            raise ConfigurationError(
                f"an action is the model's text, a str; environment {index} got "
                f"{type(action).__name__}"
            )


def _check_arguments(
    num_envs: int,
    group_size: int,
    mode: AutoresetMode,
    max_episode_steps: int | None,
    render_mode: str | None,
) -> None:
    if num_envs < 1 or group_size < 1 or num_envs % group_size:
        raise ConfigurationError(
            f"num_envs must be a positive multiple of group_size, got {num_envs} and {group_size}"
        )
    if group_size > 1 and mode is not AutoresetMode.DISABLED:
        raise ConfigurationError(
            "members of a group end at different times, so they cannot reset by themselves: pass "
            'autoreset_mode="Disabled" and reset with options={"reset_mask": …}'
        )
    if max_episode_steps is not None:
        raise ConfigurationError(
            f"max_episode_steps={max_episode_steps} is not supported: an episode's length follows "
            "from max_searches"
        )
    if render_mode is not None:
        raise ConfigurationError("render_mode is not supported by the vector environment")
