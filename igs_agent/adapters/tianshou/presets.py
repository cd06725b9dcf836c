"""Environments of discrete actions and vectors, for algorithms that are no language models."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Unpack

import gymnasium as gym
import numpy as np
from gymnasium.envs.registration import register, registry
from gymnasium.vector import AutoresetMode, VectorEnv
from numpy.typing import NDArray

import igs_env  # noqa: F401 - registers the environments
from igs_env.env import SearchEnv
from igs_env.errors import unknown_name
from igs_env.task import TaskOptions
from igs_env.wrappers import (
    EmbedObservation,
    FlatInfo,
    InformationGainReward,
    QueryTemplateAction,
    VectorEmbedObservation,
    VectorFlatInfo,
    VectorInformationGainReward,
    VectorQueryTemplateAction,
)

Vector = NDArray[np.float32]

PARTS = ("question", "progress")
"""What an agent without memory sees; on the default observation the protocol's instructions drown
the question."""
DIMENSIONS = 256
"""Places of the hashed words: as many as `benchmarks.quality.macro_actions` was measured with."""
KEYS = (
    "question_id",
    "group_id",
    "action",
    "searches",
    "information_gain",
    "information_gain_valid",
    "exact_match",
    "invalid",
    "retrieval_failed",
)
"""What infos tell: a replay buffer keeps them for every transition, so no documents."""
PRESETS: dict[str, dict[str, Any]] = {
    "IGSearchQA-SingleHop-Macro-v0": {"preset": "single-hop"},
    "IGSearchQA-MultiHop-Macro-v0": {"preset": "multi-hop"},
}
"""Id → default keyword arguments."""
_TASKS: dict[str, dict[str, Any]] = {
    "single-hop": {"hops": 1, "max_searches": 2},
    "multi-hop": {"hops": (2, 3), "max_searches": 4},
}
_ACTIONS: dict[str, dict[str, Any]] = {
    "single-hop": {},
    "multi-hop": {
        "follow": ("title", "subject", "year", "director", "writer", "winner", "capital")
    },
}


class MacroEnv(gym.Env[Vector, np.int64]):
    """Macro actions in, vectors out: `FlatInfo(EmbedObservation(QueryTemplateAction(env)))`.

    The chain is closed, `unwrapped` is this environment: Tianshou's workers ask the unwrapped
    environment for its spaces, and would be told of text.

    >>> env = MacroEnv("single-hop")
    >>> vector, info = env.reset(seed=0)
    >>> vector.shape, env.action_space, env.unwrapped is env
    ((259,), Discrete(21), True)
    """

    metadata = SearchEnv.metadata

    def __init__(
        self,
        preset: str = "single-hop",
        *,
        beta: float = 0.0,
        dimensions: int = DIMENSIONS,
        render_mode: str | None = None,
        **options: Unpack[TaskOptions],
    ) -> None:
        """Make a preset's environment.

        Args:
            preset: `single-hop` or `multi-hop`.
            beta: reward per nat of information gain, added at every search; 0 adds none.
            dimensions: places of the hashed words.
            render_mode: as of `SearchEnv`.
            **options: see `igs_env.task.TaskOptions`; `split="dev"` to evaluate,
                `sampler="none"` where no gain is needed.
        """
        env: gym.Env[Any, Any] = gym.make(
            "IGSearchQA-v0",
            disable_env_checker=True,
            render_mode=render_mode,
            **{**_task_options(preset), **options},
        )
        env = EmbedObservation(
            QueryTemplateAction(env, **_ACTIONS[preset]),
            encoder_kwargs={"dimensions": dimensions},
            parts=PARTS,
        )
        self.inner: gym.Env[Any, Any] = FlatInfo(
            InformationGainReward(env, beta) if beta else env, keys=KEYS
        )
        """The chain of wrappers around `SearchEnv`."""
        self.observation_space = self.inner.observation_space
        self.action_space = self.inner.action_space
        self.render_mode = render_mode

    @property
    def meanings(self) -> tuple[str, ...]:
        """What each action stands for."""
        meanings: tuple[str, ...] = self.inner.get_wrapper_attr("meanings")
        return meanings

    def reset(
        self, *, seed: int | None = None, options: dict[str, Any] | None = None
    ) -> tuple[Vector, dict[str, Any]]:
        """As of the chain; the seed is the text environment's."""
        super().reset(seed=seed)
        vector, info = self.inner.reset(seed=seed, options=options)
        return vector, info

    def step(self, action: Any) -> tuple[Vector, float, bool, bool, dict[str, Any]]:
        """As of the chain."""
        vector, reward, terminated, truncated, info = self.inner.step(action)
        return vector, float(reward), terminated, truncated, info

    def render(self) -> Any:
        """As of the text environment."""
        return self.inner.render()

    def close(self) -> None:
        """Close the chain."""
        self.inner.close()


def macro_vector_env(
    preset: str = "single-hop",
    *,
    num_envs: int,
    beta: float = 0.0,
    dimensions: int = DIMENSIONS,
    **options: Unpack[TaskOptions],
) -> VectorEnv[Any, Any, Any]:
    """The same around the native vector environment, for `NativeVectorEnv`.

    Environments whose episode is over wait for their reset.

    >>> macro_vector_env(num_envs=2).reset(seed=0)[0].shape
    (2, 259)
    """
    envs: Any = gym.make_vec(
        "IGSearchQA-v0",
        num_envs=num_envs,
        autoreset_mode=AutoresetMode.DISABLED,
        **{**_task_options(preset), **options},
    )
    envs = VectorQueryTemplateAction(envs, **_ACTIONS[preset])
    envs = VectorEmbedObservation(envs, encoder_kwargs={"dimensions": dimensions}, parts=PARTS)
    if beta:
        envs = VectorInformationGainReward(envs, beta)
    return VectorFlatInfo(envs, keys=KEYS)


def register_presets() -> None:
    """Register `PRESETS` with Gymnasium; calling it again changes nothing."""
    for id, kwargs in PRESETS.items():
        if id not in registry:
            register(id=id, entry_point=f"{__name__}:MacroEnv", kwargs=kwargs)


def _task_options(preset: str) -> Mapping[str, Any]:
    if preset not in _TASKS:
        raise unknown_name("preset", preset, _TASKS)
    return _TASKS[preset]
