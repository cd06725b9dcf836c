"""Steps and resets that Tianshou sends to single environments, run in one call for all of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from igs_env.errors import ConfigurationError
from igs_env.vector import SearchVectorEnv
from igs_env.wrappers.flat_info import flat


class Bus:
    """Gathers what is sent until the first result is asked for, then runs it."""

    def __init__(self, envs: VectorEnv[Any, Any, Any], group_size: int) -> None:
        """Drive `envs`; arguments and errors as of `NativeVectorEnv`."""
        self.native = _checked(envs, group_size)
        self.envs, self.group_size = envs, group_size
        self._rounds = np.zeros(envs.num_envs, dtype=np.int64)
        self._group_seeds = [_entropy() for _ in range(envs.num_envs // group_size)]
        self._actions: dict[int, Any] = {}
        self._resets: dict[int, dict[str, Any]] = {}
        self._results: dict[int, tuple[Any, ...]] = {}

    def send(self, place: int, action: Any, arguments: dict[str, Any]) -> None:
        """A step of environment `place`, or its reset where the action is None."""
        if action is None:
            self._resets[place] = arguments
        else:
            self._actions[place] = action

    def receive(self, place: int) -> tuple[Any, ...]:
        """What environment `place` returned; runs all that was sent before."""
        if self._resets:
            asked, self._resets = self._resets, {}
            self._reset(asked)
        if self._actions:
            actions, self._actions = self._actions, {}
            self._step(actions)
        return self._results.pop(place)

    def seed(self, seeds: Sequence[int | None]) -> None:
        """Seed and reset all environments; a group goes by its first one's seed."""
        for group, seed in enumerate(seeds[:: self.group_size]):
            if seed is not None:
                self._group_seeds[group] = seed
        self._rounds[:] = 0
        alone = self.group_size == 1
        self._reset({i: {"seed": seed} if alone else {} for i, seed in enumerate(seeds)})
        self._results.clear()

    def _reset(self, asked: dict[int, dict[str, Any]]) -> None:
        mask = np.zeros(self.envs.num_envs, dtype=np.bool_)
        mask[list(asked)] = True
        seeds: list[int | None] = [asked.get(place, {}).get("seed") for place in range(len(mask))]
        if self.group_size > 1:
            if any(seed is not None for seed in seeds):
                raise ConfigurationError(
                    "members of a group draw their questions by one seed, which reset cannot "
                    "give: call NativeVectorEnv.seed"
                )
            seeds = self._round_seeds(mask)
        # Tianshou gives all environments the same arguments.
        options = next(iter(asked.values())).get("options") or {}
        observations, infos = self.envs.reset(
            # Gymnasium types one seed for all; its environments, and these, take a list too.
            seed=seeds,  # type: ignore[arg-type]
            options={**options, "reset_mask": mask},
        )
        for place in asked:
            self._results[place] = (observations[place].copy(), _info(infos, place))

    def _round_seeds(self, mask: NDArray[np.bool_]) -> list[int | None]:
        """Equal for the members of a group that are in the same round of it."""
        self._rounds[mask] = self._rounds.max() + 1 if mask.all() else self._rounds[mask] + 1
        return [
            _mixed(self._group_seeds[place // self.group_size], int(round))
            for place, round in enumerate(self._rounds)
        ]

    def _step(self, asked: dict[int, Any]) -> None:
        over = [i for i in asked if self.native.episodes and self.native.episodes[i].done]
        if over:
            raise ResetNeeded(f"the episode of environment {over[0]} is over: reset it first")
        actions = np.zeros(self.envs.num_envs, dtype=np.int64)
        actions[list(asked)] = [int(action) for action in asked.values()]
        with self._waiting([i for i in range(self.envs.num_envs) if i not in asked]):
            observations, rewards, terminated, truncated, infos = self.envs.step(actions)
        for place in asked:
            self._results[place] = (
                observations[place].copy(),
                rewards[place],
                terminated[place],
                truncated[place],
                _info(infos, place),
            )

    @contextmanager
    def _waiting(self, idle: Sequence[int]) -> Iterator[None]:
        """Show episodes as over, whose actions the native environment then leaves unread."""
        kept = dict(enumerate(self.native.episodes))
        try:
            for place in idle if kept else ():
                self.native.episodes[place] = replace(kept[place], truncated=True)
            yield
        finally:
            for place in idle if kept else ():
                self.native.episodes[place] = kept[place]


def _checked(envs: VectorEnv[Any, Any, Any], group_size: int) -> SearchVectorEnv:
    native = envs.unwrapped
    if not isinstance(native, SearchVectorEnv):
        raise ConfigurationError(
            "NativeVectorEnv drives igs_env's native vector environment, got "
            f"{type(native).__name__}; for others there is tianshou.env.DummyVectorEnv"
        )
    if native.metadata["autoreset_mode"] is not AutoresetMode.DISABLED:
        raise ConfigurationError(
            "Tianshou resets environments by itself: make the vector environment with "
            'autoreset_mode="Disabled"'
        )
    if native.group_size != 1:
        raise ConfigurationError(
            "members of a native group reset together, Tianshou's one by one: leave "
            f"group_size={native.group_size} out of make_vec and give it to NativeVectorEnv"
        )
    if group_size < 1 or envs.num_envs % group_size:
        raise ConfigurationError(
            f"the number of environments, {envs.num_envs}, must be a multiple of "
            f"group_size, got {group_size}"
        )
    return native


def _info(infos: dict[str, Any], place: int) -> dict[str, Any]:
    """One environment's infos, without Gymnasium's masks, in `FlatInfo`'s types."""
    return flat({key: value[place] for key, value in infos.items() if not key.startswith("_")})


def _entropy() -> int:
    return int(np.random.SeedSequence().generate_state(1)[0])


def _mixed(seed: int, round: int) -> int:
    return int(np.random.SeedSequence((seed, round)).generate_state(1)[0])
