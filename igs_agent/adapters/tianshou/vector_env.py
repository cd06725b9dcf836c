"""Tianshou's vector environment over the native one: one retrieval, one scoring call per step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

from igs_agent.adapters.tianshou.library import checked_tianshou
from igs_env.errors import ConfigurationError
from igs_env.vector import SearchVectorEnv
from igs_env.wrappers.flat_info import flat

checked_tianshou()

from tianshou.env import BaseVectorEnv  # noqa: E402 - its absence is reported above
from tianshou.env.worker import EnvWorker  # noqa: E402


class NativeVectorEnv(BaseVectorEnv):  # type: ignore[misc]
    """What Tianshou's collectors step and reset, a `SearchVectorEnv` inside wrappers underneath.

    Without groups, environment i does what a single one would that got the same seeds, actions
    and resets. Tianshou resets every environment by itself as soon as its episode ends; with
    `group_size` G > 1 each member of a group therefore has a clock of its own, and the k-th
    episodes of environments `g·G … g·G + G − 1` share question, group id and counterfactual
    draws. Groups are complete within one collection of `collection_step_num_episodes` equal to
    the number of environments; a reset of all environments begins a round for all.

    >>> from igs_agent.adapters.tianshou import macro_vector_env
    >>> envs = NativeVectorEnv(macro_vector_env(num_envs=4), group_size=2)
    >>> _ = envs.seed(0)
    >>> observations, infos = envs.reset()
    >>> [infos[0]["group_id"] == info["group_id"] for info in infos]
    [True, True, False, False]
    """

    def __init__(self, envs: VectorEnv[Any, Any, Any], *, group_size: int = 1) -> None:
        """Drive `envs`.

        Args:
            envs: `SearchVectorEnv` with `autoreset_mode="Disabled"` and no groups of its own, in
                wrappers that make actions and observations what Tianshou takes.
            group_size: rollouts per question.
        """
        bus = _Bus(envs, group_size)
        super().__init__(list(range(envs.num_envs)), partial(_Place, bus))
        self._bus = bus

    @property
    def envs(self) -> VectorEnv[Any, Any, Any]:
        """The vector environment that is driven."""
        return self._bus.envs

    @property
    def group_size(self) -> int:
        """Rollouts per question."""
        return self._bus.group_size

    def seed(self, seed: int | list[int] | None = None) -> list[list[int] | None]:
        """Seed and reset all environments; see `BaseVectorEnv.seed`."""
        # Tianshou seeds one worker after the other; here it is one reset of all of them.
        self._assert_is_not_closed()
        if seed is None or isinstance(seed, int):
            seeds = [None if seed is None else seed + i for i in range(self.env_num)]
        else:
            seeds = list(seed)
        self._bus.seed(seeds)
        return [None if one is None else [one] for one in seeds]


class _Bus:
    """Gathers what Tianshou sends to single environments and runs it in one call."""

    def __init__(self, envs: VectorEnv[Any, Any, Any], group_size: int) -> None:
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
        self.envs, self.native, self.group_size = envs, native, group_size
        self._rounds = np.zeros(envs.num_envs, dtype=np.int64)
        self._group_seeds = [
            int(np.random.SeedSequence().generate_state(1)[0])
            for _ in range(envs.num_envs // group_size)
        ]
        self._actions: dict[int, Any] = {}
        self._resets: dict[int, dict[str, Any]] = {}
        self._results: dict[int, tuple[Any, ...]] = {}

    def send(self, place: int, action: Any, kwargs: dict[str, Any]) -> None:
        if action is None:
            self._resets[place] = kwargs
        else:
            self._actions[place] = action

    def receive(self, place: int) -> tuple[Any, ...]:
        if self._resets:
            self._reset()
        if self._actions:
            self._step()
        return self._results.pop(place)

    def seed(self, seeds: list[int | None]) -> None:
        firsts = seeds[:: self.group_size]
        self._group_seeds = [
            old if new is None else new for old, new in zip(self._group_seeds, firsts, strict=True)
        ]
        self._rounds[:] = 0
        self._resets = {place: {"seed": seed} for place, seed in enumerate(seeds)}
        self._reset()
        self._results.clear()

    def _reset(self) -> None:
        asked, self._resets = self._resets, {}
        mask = np.zeros(self.envs.num_envs, dtype=np.bool_)
        mask[list(asked)] = True
        seeds: list[int | None] = [asked.get(place, {}).get("seed") for place in range(len(mask))]
        if self.group_size > 1:
            seeds = self._round_seeds(mask)
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

    def _step(self) -> None:
        asked, self._actions = self._actions, {}
        idle = {i: e for i, e in enumerate(self.native.episodes) if i not in asked}
        # The native environment steps all that are not over. What Tianshou leaves out of a step
        # is shown to it as over, which leaves its action unread, and put back.
        for place, episode in idle.items():
            self.native.episodes[place] = replace(episode, truncated=True)
        actions = np.zeros(self.envs.num_envs, dtype=np.int64)
        actions[list(asked)] = [int(action) for action in asked.values()]
        observations, rewards, terminated, truncated, infos = self.envs.step(actions)
        for place, episode in idle.items():
            self.native.episodes[place] = episode
        for place in asked:
            self._results[place] = (
                observations[place].copy(),
                rewards[place],
                terminated[place],
                truncated[place],
                _info(infos, place),
            )


class _Place(EnvWorker):  # type: ignore[misc]
    """One environment of the bus, as Tianshou addresses it."""

    def __init__(self, bus: _Bus, place: int) -> None:
        self._bus, self._place = bus, place
        super().__init__(_nothing)

    def get_env_attr(self, key: str) -> Any:
        spaces = {"action_space", "observation_space"}
        return getattr(self._bus.envs, f"single_{key}" if key in spaces else key)

    def set_env_attr(self, key: str, value: Any) -> None:
        raise ConfigurationError(
            f"{key} cannot be set for one environment of a native vector environment; "
            "set it on .envs"
        )

    def send(self, action: Any, **kwargs: Any) -> None:
        self._bus.send(self._place, action, kwargs)

    def recv(self) -> Any:
        return self._bus.receive(self._place)

    def reset(self, **kwargs: Any) -> Any:
        self.send(None, **kwargs)
        return self.recv()

    def render(self, **kwargs: Any) -> Any:
        raise ConfigurationError(
            "the native vector environment does not render; render a single environment"
        )

    def close_env(self) -> None:
        if self._place == 0:
            self._bus.envs.close()


_nothing: Callable[[], Any] = lambda: None  # noqa: E731 - Tianshou keeps it and never calls it


def _info(infos: dict[str, Any], place: int) -> dict[str, Any]:
    """One environment's infos, without Gymnasium's masks, in `FlatInfo`'s types."""
    return flat({key: value[place] for key, value in infos.items() if not key.startswith("_")})


def _mixed(seed: int, round: int) -> int:
    return int(np.random.SeedSequence((seed, round)).generate_state(1)[0])
