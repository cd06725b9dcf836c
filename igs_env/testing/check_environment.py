"""`check_environment`: whether a search environment, wrapped or changed, is still a good one."""

from __future__ import annotations

import warnings
from typing import Any, get_type_hints

import gymnasium as gym
from gymnasium.utils.env_checker import check_env

from igs_env.types import StepInfo

_ACTIONS = ("<search>capital of Peru</search>", "no action at all", "<answer>Lima</answer>")
_SCALARS = (int, float, bool, str)


def check_environment(env: gym.Env[Any, Any], *, text_actions: bool = True) -> None:
    """Gymnasium's own checks, then those that search environments add.

    Args:
        env: any environment of this package, wrapped or not.
        text_actions: False for wrappers that change the action space; then only Gymnasium's
            checks are made.

    Raises:
        AssertionError: the first rule that is broken, what was expected and what was got.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        # Gymnasium warns about every wrapper; here wrapped environments are meant to be checked.
        warnings.filterwarnings("ignore", message=".*different from the unwrapped version.*")
        check_env(env, skip_render_check=True)
    if text_actions:
        _check_info(env)
        assert _played(env) == _played(env), "the same seed and actions must give the same episode"


def _check_info(env: gym.Env[Any, Any]) -> None:
    _, info = env.reset(seed=7)
    _check_keys("reset", info)
    for action in _ACTIONS:
        *_, info = env.step(action)
        _check_keys(f"step({action!r})", info)


def _check_keys(call: str, info: dict[str, Any]) -> None:
    for key, kind in get_type_hints(StepInfo).items():
        assert key in info, f"info of {call} lacks {key!r}; every key is always present"
        if kind in _SCALARS:
            assert type(info[key]) is kind, (
                f"info[{key!r}] of {call} must be a Python {kind.__name__}, got "
                f"{type(info[key]).__name__}: vector environments fix a key's type by the first"
            )


def _played(env: gym.Env[Any, Any]) -> list[Any]:
    seen: list[Any] = [env.reset(seed=11)]
    seen += [env.step(action) for action in _ACTIONS]
    return seen
