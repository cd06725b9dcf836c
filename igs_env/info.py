"""The `info` dictionary of reset and step."""

from __future__ import annotations

from collections.abc import Mapping
from operator import itemgetter
from typing import Any, get_type_hints

import numpy as np

from igs_env.answers import exact_match, f1
from igs_env.rewards import final_answer
from igs_env.task import Task
from igs_env.types import Answer, Episode, InformationGain, Invalid, Search, StepInfo


def make_info(task: Task, episode: Episode, gain: InformationGain | None) -> StepInfo:
    """`StepInfo` of an episode's newest step, or of its reset when it has none."""
    step = episode.steps[-1] if episode.steps else None
    answer = final_answer(episode)
    golds = episode.question.answers
    # A display: a call of `StepInfo` copies its keywords, which every step of every episode pays.
    return {
        "question_id": episode.question.id,
        "group_id": episode.group_id,
        "action": _action_name(episode),
        "searches": episode.searches,
        "documents": step.documents if step else (),
        "information_gain": gain.value if gain else 0.0,
        "information_gain_valid": gain is not None,
        "information_gain_draws": gain.draws if gain else 0,
        "information_gain_stderr": gain.stderr if gain else 0.0,
        "log_prob_real": gain.log_prob_real if gain else 0.0,
        "log_prob_counterfactual": gain.log_prob_counterfactual if gain else 0.0,
        "counterfactual_ids": gain.counterfactual_ids if gain else (),
        "counterfactual_source": gain.source if gain else "",
        "scorer": task.scorer.name if task.scorer else "",
        "exact_match": exact_match(answer, golds) if answer is not None else 0.0,
        "f1": f1(answer, golds) if answer is not None else 0.0,
        "invalid": step is not None and isinstance(step.action, Invalid),
        "retrieval_failed": step is not None and step.retrieval_failed,
    }


def _action_name(episode: Episode) -> str:
    return _ACTION_NAMES[type(episode.steps[-1].action)] if episode.steps else "reset"


_ACTION_NAMES = {Search: "search", Answer: "answer", Invalid: "invalid"}


def vector_info(by_index: Mapping[int, StepInfo], size: int) -> dict[str, Any]:
    """Gymnasium's vector form: one array per key, and a `_key` mask of who reported it."""
    if not by_index:
        return {}
    indices = list(by_index)
    mask = np.zeros(size, dtype=np.bool_)
    mask[indices] = True
    infos: dict[str, Any] = {}
    columns = zip(*map(_values, by_index.values()), strict=True)
    for (key, dtype), column in zip(_DTYPES.items(), columns, strict=True):
        # `fromiter` takes a tuple for one object, which assigning a list of them would not.
        infos[key] = np.fromiter(column, dtype, count=len(indices))
        if len(indices) < size:
            reported = infos[key]
            infos[key] = np.zeros(size, dtype) if dtype is not object else np.full(size, None)
            infos[key][indices] = reported
        infos[f"_{key}"] = mask.copy()
    return infos


_NUMBERS: dict[Any, Any] = {int: np.int64, float: np.float64, bool: np.bool_}
_DTYPES: dict[str, Any] = {
    key: _NUMBERS.get(kind, object) for key, kind in get_type_hints(StepInfo).items()
}
"""Key of `StepInfo` → its column's type."""
_values = itemgetter(*_DTYPES)
