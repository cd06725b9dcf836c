"""Evaluation of a policy: rows per episode, means over questions, intervals."""

from __future__ import annotations

import math
import os
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np

from igs_agent.generation import Generator, Sampling
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.statistics import Interval, bootstrap_interval
from igs_agent.tracking import read_jsonl
from igs_agent.trajectory import Trajectory
from igs_env.answers import exact_match, f1, sub_exact_match
from igs_env.errors import DataError
from igs_env.rewards import final_answer
from igs_env.transition import Rules
from igs_env.types import Episode, Invalid, Question

SCORES = ("exact_match", "f1", "sub_exact_match", "recall")
"""Columns in [0, 1] that say how good a policy is."""
HABITS = ("searches", "policy_tokens", "valid_actions", "truncated")
"""Columns that say how it goes about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """What one episode achieved. `docs/metrics.md` has the units."""

    dataset: str
    """As the caller named the questions; may be empty."""
    question_id: str
    question: str
    kind: str
    hops: int
    answer: str
    """Empty where none was given."""
    exact_match: float
    f1: float
    sub_exact_match: float
    recall: float | None
    """Share of the question's hops for which one of the hop's gold documents was retrieved; None
    where the dataset names none."""
    searches: int
    policy_tokens: int | None
    """None where a server plays and does not count."""
    valid_actions: float
    """Share of steps with a usable action."""
    truncated: bool
    """Ended without an answer."""
    retrieval_failed: bool
    """A search could not be carried out. The row says nothing about the policy and counts in no
    mean."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Rows of one evaluation. Every figure is a mean over questions, never over batch means.

    Published figures for a set of 125 questions have been averages of a batch of 124 and a batch
    of one (trap T6). Several episodes of one question count as one item, their mean.
    """

    rows: tuple[EvaluationRow, ...]

    @property
    def failed(self) -> int:
        """Episodes that a failed retrieval ended."""
        return sum(row.retrieval_failed for row in self.rows)

    def items(self, name: str) -> dict[tuple[str, str], float]:
        """(dataset, question id) → mean of a column over that question's episodes that count."""
        values: dict[tuple[str, str], list[float]] = {}
        for row in self.rows:
            value = getattr(row, name)
            if value is not None and not row.retrieval_failed:
                values.setdefault((row.dataset, row.question_id), []).append(float(value))
        return {key: sum(found) / len(found) for key, found in values.items()}

    def mean(self, name: str) -> float:
        """Mean of a column over questions; NaN where none has it."""
        values = list(self.items(name).values())
        return float(np.mean(values)) if values else math.nan

    def interval(self, name: str, *, seed: int = 0) -> Interval:
        """Mean with a 95 % bootstrap interval over questions."""
        values = list(self.items(name).values())
        if not values:
            return Interval(mean=math.nan, low=math.nan, high=math.nan, n=0)
        return bootstrap_interval(values, seed=seed)

    def by(self, key: Callable[[EvaluationRow], str]) -> dict[str, Evaluation]:
        """One evaluation per value of `key`, in order of the values."""
        groups: dict[str, list[EvaluationRow]] = {}
        for row in self.rows:
            groups.setdefault(key(row), []).append(row)
        return {name: Evaluation(rows=tuple(groups[name])) for name in sorted(groups)}

    def metrics(self) -> dict[str, float]:
        """The columns' means under their metric names; what no row has is left out."""
        means = {name: self.mean(name) for name in (*SCORES, *HABITS)}
        known = {f"eval/{name}": mean for name, mean in means.items() if not math.isnan(mean)}
        return {**known, "eval/retrieval_failed": self.failed / max(1, len(self.rows))}

    def as_dicts(self) -> list[dict[str, Any]]:
        """Rows for a JSON file."""
        return [asdict(row) for row in self.rows]


def evaluate(
    rules: Rules,
    policy: Policy,
    generator: Generator,
    questions: Sequence[Question],
    *,
    max_tokens: int,
    temperature: float = 0.0,
    samples: int = 1,
    seed: int = 0,
    max_rows: int = 256,
    dataset: str = "",
) -> Evaluation:
    """Episodes of a policy, scored. No scorer is made and no gain is measured.

    Args:
        rules: of the task.
        policy: encodes and decodes.
        generator: samples from the same policy.
        questions: what is asked.
        max_tokens: per turn.
        temperature: 0 is greedy.
        samples: episodes per question.
        seed: of the draws, where the temperature is above 0.
        max_rows: most episodes alive at once.
        dataset: name of the questions, for the rows.
    """
    trajectories = rollout(
        rules,
        policy,
        generator,
        RolloutPlan(questions=questions, group_size=samples, seed=seed),
        Sampling(temperature=temperature, max_tokens=max_tokens),
        max_rows=max_rows,
    )
    rows = (trajectory_row(trajectory, dataset=dataset) for trajectory in trajectories)
    return Evaluation(rows=tuple(rows))


def trajectory_row(trajectory: Trajectory, *, dataset: str = "") -> EvaluationRow:
    """Scores of a finished rollout."""
    return evaluation_row(
        trajectory.episode,
        policy_tokens=int(trajectory.is_policy.sum()),
        truncated=trajectory.truncated,
        dataset=dataset,
    )


def evaluation_row(
    episode: Episode, *, policy_tokens: int | None, truncated: bool, dataset: str = ""
) -> EvaluationRow:
    """Scores of one finished episode."""
    question, steps = episode.question, episode.steps
    answer = final_answer(episode)
    given = answer is not None
    valid = sum(not isinstance(step.action, Invalid) for step in steps)
    return EvaluationRow(
        dataset=dataset,
        question_id=question.id,
        question=question.text,
        kind=question.kind,
        hops=question.hops,
        answer=answer or "",
        exact_match=exact_match(answer or "", question.answers) if given else 0.0,
        f1=f1(answer or "", question.answers) if given else 0.0,
        sub_exact_match=sub_exact_match(answer or "", question.answers) if given else 0.0,
        recall=gold_recall(episode),
        searches=episode.searches,
        policy_tokens=policy_tokens,
        valid_actions=valid / len(steps) if steps else 1.0,
        truncated=truncated,
        retrieval_failed=any(step.retrieval_failed for step in steps),
    )


def gold_recall(episode: Episode) -> float | None:
    """Share of hops for which one of the hop's gold documents was retrieved in the episode.

    None where the dataset names no gold documents.
    """
    hops = episode.question.gold_documents
    found = {document.id for step in episode.steps for document in step.documents}
    return sum(not found.isdisjoint(hop) for hop in hops) / len(hops) if hops else None


def read_evaluation(path: str | os.PathLike[str]) -> Evaluation:
    """The evaluation whose rows a JSONL file holds.

    Raises `DataError` for a file without rows, or with rows of something else.
    """
    rows = tuple(_row(path, row) for row in read_jsonl(path))
    if not rows:
        raise DataError(f"{path} has no rows; give a file that igs eval --output wrote")
    return Evaluation(rows=rows)


def _row(path: str | os.PathLike[str], row: Mapping[str, Any]) -> EvaluationRow:
    names = {field.name for field in fields(EvaluationRow)}
    missing: Iterable[str] = names - row.keys()
    if missing:
        raise DataError(
            f"{path} is no evaluation: a row lacks {', '.join(sorted(missing))}; give a file that "
            "igs eval --output wrote"
        )
    return EvaluationRow(**typing.cast(Any, {name: row[name] for name in names}))
