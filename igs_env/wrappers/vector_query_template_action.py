"""`QueryTemplateAction` around the native vector environment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import gymnasium as gym
import numpy as np
from gymnasium.error import ResetNeeded
from gymnasium.vector import VectorActionWrapper
from gymnasium.vector.utils import batch_space
from numpy.typing import NDArray

from igs_env.vector import SearchVectorEnv
from igs_env.wrappers.inner import inner_vector_env
from igs_env.wrappers.macro_actions import MacroActions

Integers = Sequence[int] | NDArray[np.integer[Any]]


class VectorQueryTemplateAction(VectorActionWrapper):
    """One index per environment; environment i does what a wrapped single one would.

    `infos["choices"]` holds a JSON list for every environment that reports.

    >>> import igs_env
    >>> envs = gym.make_vec("IGSearchQA-SingleHop-v0", num_envs=2)
    >>> envs = VectorQueryTemplateAction(envs)
    >>> _ = envs.reset(seed=0)
    >>> _, _, _, _, infos = envs.step([0, 1])
    >>> infos["action"].tolist(), len(infos["choices"])
    (['search', 'search'], 2)
    """

    def __init__(
        self,
        env: SearchVectorEnv,
        names: int = 2,
        follow: Sequence[str] = (),
        spans: int = 0,
        cues: Mapping[str, str] | None = None,
    ) -> None:
        """Wrap the native vector environment; arguments as of `QueryTemplateAction`."""
        super().__init__(env)
        self._inner = inner_vector_env(env)
        self._actions = MacroActions(names=names, follow=follow, spans=spans, cues=cues)
        self.single_action_space = gym.spaces.Discrete(len(self._actions))
        self.action_space = batch_space(self.single_action_space, self.num_envs)

    @property
    def meanings(self) -> tuple[str, ...]:
        """What each action stands for, the same in every environment at every step."""
        return self._actions.meanings

    def reset(
        self,
        *,
        seed: int | list[int | None] | None = None,
        options: dict[str, Any] | None = None,
    ) -> tuple[Any, dict[str, Any]]:
        """As of the wrapped environments; `infos` names the choices."""
        # Gymnasium types one seed for all; its environments, and these, take a list too.
        observations, infos = super().reset(seed=seed, options=options)  # type: ignore[arg-type]
        return observations, self._with_choices(infos)

    def step(self, actions: Integers) -> tuple[Any, Any, Any, Any, dict[str, Any]]:
        """Carry out one choice per environment."""
        *rest, infos = super().step(actions)
        observations, rewards, terminated, truncated = rest
        return observations, rewards, terminated, truncated, self._with_choices(infos)

    def actions(self, actions: Integers) -> tuple[str, ...]:
        """The outputs that the choices stand for."""
        if not self._inner.episodes:
            raise ResetNeeded("call reset() before step()")
        pairs = zip(self._inner.episodes, actions, strict=True)
        return tuple(self._actions.choice(episode, int(index)).output for episode, index in pairs)

    def _with_choices(self, infos: dict[str, Any]) -> dict[str, Any]:
        if "_action" not in infos:
            return infos
        column = np.full(self.num_envs, None, dtype=object)
        for index in np.flatnonzero(infos["_action"]):
            column[index] = self._actions.described(self._inner.episodes[index])
        return {**infos, "choices": column, "_choices": infos["_action"].copy()}
