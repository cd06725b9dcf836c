"""Rows of `episodes.jsonl` with checked types, so that nothing behind it meets a surprise.

A key that is missing gets a default: older runs wrote fewer. A value of the wrong type makes the
row unusable, and the error names the key. `docs/metrics.md` says what each key means.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from igs_env.errors import DataError

Tokens = tuple[int, ...]
Texts = tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StepRow:
    """One of an episode's `steps`."""

    action: str
    text: str
    output: str
    observation: str
    documents: Texts
    searched: bool
    retrieval_failed: bool
    gain: float | None
    gain_stderr: float | None
    log_prob_real: float | None
    log_probs_counterfactual: tuple[float, ...]
    counterfactual_ids: tuple[Texts, ...]
    counterfactual_source: str
    answer_in_counterfactual: bool
    credit: float
    query_credit: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EpisodeRow:
    """One episode."""

    update: int
    id: str
    group: str
    question_id: str
    question: str
    answers: Texts
    gold_documents: tuple[Texts, ...]
    hops: int | None
    kind: str
    prompt: str
    steps: tuple[StepRow, ...]
    reward: float | None
    exact_match: float | None
    f1: float | None
    recall: float | None
    truncated: bool
    overflowed: bool
    retrieval_failed: bool
    tokens: Tokens
    turns: tuple[tuple[int, ...], ...]
    log_probs: tuple[float | None, ...]


def read_row(row: Mapping[str, Any]) -> EpisodeRow:
    """The row with checked types.

    Raises:
        DataError: a value of the wrong type, no question, or tokens and turns that do not fit.

    >>> read_row({"question": "Who?", "steps": [], "update": "3"})
    Traceback (most recent call last):
    igs_env.errors.DataError: update is str, expected a whole number
    """
    if "question" not in row or "steps" not in row:
        raise DataError("it has no question or no steps, so it is no episode")
    found = EpisodeRow(**{key: _read(row, key, read) for key, read in _EPISODE.items()})
    _check_turns(found)
    return found


def as_dict(row: EpisodeRow | StepRow) -> dict[str, Any]:
    """The fields by name, not copied."""
    return {field.name: getattr(row, field.name) for field in fields(row)}


def _read(row: Mapping[str, Any], key: str, read: Callable[[str, Any], Any]) -> Any:
    return read(key, row.get(key))


def _text(key: str, value: Any) -> str:
    if value is None:
        return ""
    return str(_expect(key, value, str, "text"))


def _flag(key: str, value: Any) -> bool:
    return bool(value is not None and _expect(key, value, bool, "true or false"))


def _whole(key: str, value: Any) -> int | None:
    if value is None:
        return None
    if isinstance(value, bool):
        raise _wrong(key, value, "a whole number")
    return int(_expect(key, value, int, "a whole number"))


def _number(key: str, value: Any) -> float | None:
    """None where nothing was measured, or what was is not finite."""
    if value is None:
        return None
    if isinstance(value, bool):
        raise _wrong(key, value, "a number")
    number = _expect(key, value, int | float, "a number")
    try:
        return float(number) if math.isfinite(number) else None
    except OverflowError:  # a whole number that no float holds
        return None


def _list(read: Callable[[str, Any], Any]) -> Callable[[str, Any], tuple[Any, ...]]:
    def read_list(key: str, value: Any) -> tuple[Any, ...]:
        return tuple(read(key, item) for item in _expect(key, value or [], list, "a list"))

    return read_list


def _step(key: str, value: Any) -> StepRow:
    step = _expect(key, value, dict, "a list of objects")
    return StepRow(**{name: _read(step, name, read) for name, read in _STEP.items()})


def _expect(key: str, value: Any, kind: Any, words: str) -> Any:
    if not isinstance(value, kind):
        raise _wrong(key, value, words)
    return value


def _wrong(key: str, value: Any, words: str) -> DataError:
    return DataError(f"{key} is {type(value).__name__}, expected {words}")


def _or_zero(read: Callable[[str, Any], Any]) -> Callable[[str, Any], Any]:
    return lambda key, value: read(key, value) or 0


def _check_turns(row: EpisodeRow) -> None:
    """Every turn `[start, end, observation end, query start, query end)` lies behind the last."""
    behind, length = 0, len(row.tokens)
    if row.turns and len(row.turns) != len(row.steps):
        raise DataError(f"{len(row.turns)} turns for {len(row.steps)} steps")
    for turn in row.turns:
        ordered = len(turn) == 5 and behind <= turn[0] <= turn[1] <= turn[2] <= length
        if not ordered or not turn[0] <= turn[3] <= turn[4] <= turn[1]:
            raise DataError(f"turn {list(turn)} does not fit {length} tokens")
        behind = turn[2]
    written = sum(turn[1] - turn[0] for turn in row.turns)
    if row.turns and len(row.log_probs) != written:
        raise DataError(f"{len(row.log_probs)} log_probs for {written} tokens of the policy")


_STEP: dict[str, Callable[[str, Any], Any]] = {
    "action": _text,
    "text": _text,
    "output": _text,
    "observation": _text,
    "documents": _list(_text),
    "searched": _flag,
    "retrieval_failed": _flag,
    "gain": _number,
    "gain_stderr": _number,
    "log_prob_real": _number,
    "log_probs_counterfactual": _list(_number),
    "counterfactual_ids": _list(_list(_text)),
    "counterfactual_source": _text,
    "answer_in_counterfactual": _flag,
    "credit": _or_zero(_number),
    "query_credit": _or_zero(_number),
}

_EPISODE: dict[str, Callable[[str, Any], Any]] = {
    "update": _or_zero(_whole),
    "id": _text,
    "group": _text,
    "question_id": _text,
    "question": _text,
    "answers": _list(_text),
    "gold_documents": _list(_list(_text)),
    "hops": _whole,
    "kind": _text,
    "prompt": _text,
    "steps": _list(_step),
    "reward": _number,
    "exact_match": _number,
    "f1": _number,
    "recall": _number,
    "truncated": _flag,
    "overflowed": _flag,
    "retrieval_failed": _flag,
    "tokens": _list(_or_zero(_whole)),
    "turns": _list(_list(_or_zero(_whole))),
    "log_probs": _list(_number),
}
