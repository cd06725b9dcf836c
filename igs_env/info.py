"""The `info` dictionary of reset and step."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, get_type_hints

import numpy as np
from numpy.typing import NDArray

from igs_env.answers import exact_match, f1
from igs_env.rewards import final_answer
from igs_env.task import Task
from igs_env.types import Answer, Episode, InformationGain, Invalid, StepInfo


def make_info(task: Task, episode: Episode, gain: InformationGain | None) -> StepInfo:
    """`StepInfo` of an episode's newest step, or of its reset when it has none."""
    step = episode.steps[-1] if episode.steps else None
    answer = final_answer(episode)
    golds = episode.question.answers
    return StepInfo(
        question_id=episode.question.id,
        group_id=episode.group_id,
        action=_action_name(episode),
        searches=episode.searches,
        documents=step.documents if step else (),
        information_gain=gain.value if gain else 0.0,
        information_gain_valid=gain is not None,
        information_gain_draws=gain.draws if gain else 0,
        information_gain_stderr=gain.stderr if gain else 0.0,
        log_prob_real=gain.log_prob_real if gain else 0.0,
        log_prob_counterfactual=gain.log_prob_counterfactual if gain else 0.0,
        counterfactual_ids=gain.counterfactual_ids if gain else (),
        counterfactual_source=gain.source if gain else "",
        scorer=task.scorer.name if task.scorer else "",
        exact_match=exact_match(answer, golds) if answer is not None else 0.0,
        f1=f1(answer, golds) if answer is not None else 0.0,
        invalid=step is not None and isinstance(step.action, Invalid),
        retrieval_failed=step is not None and step.retrieval_failed,
    )


def _action_name(episode: Episode) -> str:
    if not episode.steps:
        return "reset"
    action = episode.steps[-1].action
    if isinstance(action, Invalid):
        return "invalid"
    return "answer" if isinstance(action, Answer) else "search"


def vector_info(by_index: Mapping[int, StepInfo], size: int) -> dict[str, Any]:
    """Gymnasium's vector form: one array per key, and a `_key` mask of who reported it."""
    if not by_index:
        return {}
    mask = np.zeros(size, dtype=np.bool_)
    mask[list(by_index)] = True
    infos: dict[str, Any] = {}
    for key in _INFO_TYPES:
        column = _empty_column(key, size)
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
