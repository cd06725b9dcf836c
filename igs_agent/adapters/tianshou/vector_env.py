"""Tianshou's vector environment over the native one: one retrieval, one scoring call per step."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from functools import partial
from typing import Any

from gymnasium.vector import VectorEnv

from igs_agent.adapters.tianshou.bus import Bus
from igs_agent.adapters.tianshou.library import checked_tianshou
from igs_env.errors import ConfigurationError

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

        Raises:
            ConfigurationError: another vector environment, one that resets by itself or in groups
                of its own, or a number of environments that is no multiple of `group_size`.
        """
        self._bus = Bus(envs, group_size)
        super().__init__(list(range(envs.num_envs)), partial(_Place, self._bus))

    @property
    def envs(self) -> VectorEnv[Any, Any, Any]:
        """The vector environment that is driven."""
        return self._bus.envs

    @property
    def group_size(self) -> int:
        """Rollouts per question."""
        return self._bus.group_size

    def seed(self, seed: int | Sequence[int | None] | None = None) -> list[list[int] | None]:
        """Seed and reset all environments; see `BaseVectorEnv.seed`.

        A group's members share the seed of its first one.
        """
        # Tianshou seeds one worker after the other; here it is one reset of all of them.
        self._assert_is_not_closed()
        seeds: list[int | None]
        if seed is None or isinstance(seed, int):
            seeds = [None if seed is None else seed + i for i in range(self.env_num)]
        else:
            seeds = list(seed)
        super().seed(seeds)
        self._bus.seed(seeds)
        return [None if one is None else [one] for one in seeds]


class _Place(EnvWorker):  # type: ignore[misc]
    """One environment of the bus, as Tianshou addresses it."""

    def __init__(self, bus: Bus, place: int) -> None:
        self._bus, self._place = bus, place
        # Tianshou keeps what makes an environment and leaves the call to the worker.
        super().__init__(lambda: None)

    def get_env_attr(self, key: str) -> Any:
        if key in ("action_space", "observation_space"):
            # Each worker seeds its own, and `collect(random=True)` samples from it.
            return copy.deepcopy(getattr(self._bus.envs, f"single_{key}"))
        return getattr(self._bus.envs, key)

    def set_env_attr(self, key: str, value: Any) -> None:
        raise ConfigurationError(
            f"{key} cannot be set for one environment of a native vector environment; "
            "set it on .envs"
        )

    def send(self, action: Any, **arguments: Any) -> None:
        self._bus.send(self._place, action, arguments)

    def recv(self) -> Any:
        return self._bus.receive(self._place)

    def reset(self, **arguments: Any) -> Any:
        self.send(None, **arguments)
        return self.recv()

    def render(self, **arguments: Any) -> Any:
        raise ConfigurationError(
            "the native vector environment does not render; render a single environment"
        )

    def close_env(self) -> None:
        if self._place == 0:
            self._bus.envs.close()
