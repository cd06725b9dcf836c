"""What a vector environment is asked for: its arguments, reset options and actions, checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium.vector import AutoresetMode
from numpy.typing import NDArray

from igs_env.errors import ConfigurationError, unknown_name
from igs_env.sampling import RESET_OPTIONS, chosen_question
from igs_env.task import Task
from igs_env.types import Question

VECTOR_RESET_OPTIONS = ("reset_mask", "question_ids", "questions", *RESET_OPTIONS)
"""`reset_mask`: bool array, which environments to reset. `question_ids` or `questions`: one per
group. `question_id` or `question`: the same for all. `split`: see `RESET_OPTIONS`."""


def read_reset_options(
    task: Task, options: Mapping[str, Any], *, num_envs: int, group_size: int
) -> tuple[NDArray[np.bool_], dict[int, Question]]:
    """(which environments to reset, group index → its question where one was chosen).

    Raises `ConfigurationError` for an unknown option, two that choose questions, a mask of
    another shape or through a group, and questions that are not one per group.
    """
    unknown = sorted(set(options) - set(VECTOR_RESET_OPTIONS))
    if unknown:
        raise unknown_name("reset option", unknown[0], VECTOR_RESET_OPTIONS)
    mask = reset_mask(options.get("reset_mask"), num_envs, group_size)
    groups = sorted({int(i) // group_size for i in np.flatnonzero(mask)})
    choosing = ("question_ids", "questions", "question_id", "question")
    chosen_by = [key for key in choosing if key in options]
    if len(chosen_by) > 1:
        raise ConfigurationError(f"give {chosen_by[0]} or {chosen_by[1]}, not both")
    many = [key for key in ("question_ids", "questions") if key in options]
    if not many:
        single = {key: options[key] for key in RESET_OPTIONS if key in options}
        question = chosen_question(task, single)
        return mask, {} if question is None else dict.fromkeys(groups, question)
    key = many[0]
    given = len(options[key]) if isinstance(options[key], Sequence) else "no list"
    if given != len(groups):
        raise ConfigurationError(
            f"{key} must name one question per group that is reset: expected {len(groups)}, "
            f"got {given}"
        )
    split = {"split": options["split"]} if "split" in options else {}
    chosen = [chosen_question(task, {key.removesuffix("s"): one, **split}) for one in options[key]]
    return mask, {g: q for g, q in zip(groups, chosen, strict=True) if q is not None}


def mode_named(mode: AutoresetMode | str) -> AutoresetMode:
    """The mode of that name; `ConfigurationError` for an unknown one."""
    try:
        return AutoresetMode(mode)
    except ValueError:
        known = [known.value for known in AutoresetMode]
        raise unknown_name("autoreset mode", str(mode), known) from None


def reset_mask(mask: Any, size: int, group_size: int) -> NDArray[np.bool_]:
    """The mask as a bool array of shape (size,); all true for None."""
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


def check_actions(actions: Sequence[str], size: int) -> None:
    """Raise `ConfigurationError` unless there is one string per environment."""
    if isinstance(actions, str) or len(actions) != size:
        raise ConfigurationError(f"expected {size} actions, one str per environment")
    for index, action in enumerate(actions):
        if not isinstance(action, str):
            raise ConfigurationError(
                f"an action is the model's text, a str; environment {index} got "
                f"{type(action).__name__}"
            )


def check_arguments(
    num_envs: int,
    group_size: int,
    mode: AutoresetMode,
    max_episode_steps: int | None,
    render_mode: str | None,
) -> None:
    """Raise `ConfigurationError` for arguments that do not go together."""
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
