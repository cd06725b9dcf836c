"""Evaluation of a policy: rows per question, means over items, intervals."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from igs_agent.generation import Generator, Sampling
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.statistics import Interval, bootstrap_interval
from igs_agent.trajectory import Trajectory
from igs_env.answers import exact_match, f1, sub_exact_match
from igs_env.retrievers import Retriever
from igs_env.rewards import final_answer
from igs_env.transition import Rules
from igs_env.types import Document, Invalid, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluationRow:
    """What one episode achieved."""

    question_id: str
    kind: str
    hops: int
    answer: str
    exact_match: float
    f1: float
    sub_exact_match: float
    recall: float
    """Share of the question's hops for which a gold document was retrieved; 0 where the dataset
    names none."""
    searches: int
    policy_tokens: int
    valid_actions: float
    """Share of steps with a usable action."""
    truncated: bool
    retrieval_failed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Evaluation:
    """Rows of one evaluation. Every figure is a mean over rows, never over batch means."""

    rows: tuple[EvaluationRow, ...]

    def mean(self, name: str) -> float:
        """Mean of a column over rows."""
        return float(np.mean([float(getattr(row, name)) for row in self.rows]))

    def interval(self, name: str, *, seed: int = 0) -> Interval:
        """Mean with a 95 % bootstrap interval over questions."""
        return bootstrap_interval([float(getattr(row, name)) for row in self.rows], seed=seed)

    def by(self, key: Callable[[EvaluationRow], str]) -> dict[str, Evaluation]:
        """One evaluation per value of `key`, in order of the values."""
        groups: dict[str, list[EvaluationRow]] = {}
        for row in self.rows:
            groups.setdefault(key(row), []).append(row)
        return {name: Evaluation(rows=tuple(groups[name])) for name in sorted(groups)}

    def metrics(self) -> dict[str, float]:
        """The columns' means under their metric names."""
        names = ("exact_match", "f1", "sub_exact_match", "recall", "searches", "valid_actions")
        return {f"eval/{name}": self.mean(name) for name in names}

    def as_dicts(self) -> list[dict[str, object]]:
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
    seed: int = 0,
    max_rows: int = 256,
) -> Evaluation:
    """One episode per question, greedily by default. No scorer is made, no gain measured."""
    trajectories = rollout(
        rules,
        policy,
        generator,
        RolloutPlan(questions=questions, group_size=1, seed=seed),
        Sampling(temperature=temperature, max_tokens=max_tokens),
        max_rows=max_rows,
    )
    return Evaluation(rows=tuple(map(evaluation_row, trajectories)))


def evaluation_row(trajectory: Trajectory) -> EvaluationRow:
    """Scores of one finished episode."""
    episode = trajectory.episode
    answer = final_answer(episode)
    golds = episode.question.answers
    steps = episode.steps
    return EvaluationRow(
        question_id=episode.question.id,
        kind=episode.question.kind,
        hops=episode.question.hops,
        answer=answer or "",
        exact_match=exact_match(answer, golds) if answer is not None else 0.0,
        f1=f1(answer, golds) if answer is not None else 0.0,
        sub_exact_match=sub_exact_match(answer, golds) if answer is not None else 0.0,
        recall=gold_recall(trajectory),
        searches=episode.searches,
        policy_tokens=int(trajectory.is_policy.sum()),
        valid_actions=1 - sum(isinstance(s.action, Invalid) for s in steps) / max(1, len(steps)),
        truncated=trajectory.truncated,
        retrieval_failed=trajectory.retrieval_failed,
    )


def gold_recall(trajectory: Trajectory) -> float:
    """Share of hops for which one of the hop's gold documents was retrieved in the episode."""
    hops = trajectory.episode.question.gold_documents
    found = {document.id for step in trajectory.episode.steps for document in step.documents}
    return sum(not found.isdisjoint(hop) for hop in hops) / len(hops) if hops else 0.0


def markdown_table(evaluation: Evaluation) -> str:
    """Scores over all questions, then by kind and hop count, with intervals of EM."""
    lines = [
        "| questions | n | EM, 95 % interval | F1 | sub-EM | recall | searches | valid actions |",
        "|---|---|---|---|---|---|---|---|",
        _line("all", evaluation),
    ]
    for title, key in (("hops", lambda r: str(r.hops)), ("kind", lambda r: r.kind)):
        groups = evaluation.by(key)
        if len(groups) > 1:
            lines += [_line(f"{title} {name}", group) for name, group in groups.items()]
    return "\n".join(lines)


def _line(title: str, evaluation: Evaluation) -> str:
    em = evaluation.interval("exact_match")
    columns = ("f1", "sub_exact_match", "recall", "searches", "valid_actions")
    figures = " | ".join(f"{evaluation.mean(name):.3f}" for name in columns)
    return f"| {title} | {em.n} | {em.mean:.3f} [{em.low:.3f}, {em.high:.3f}] | {figures} |"


class ShuffledRetriever:
    """A control: documents of another query of the batch, so that searching well cannot help.

    Queries of a batch exchange their results by a seeded permutation without fixed points; a
    batch of one gets what an unrelated query finds.
    """

    def __init__(self, inner: Retriever, queries: Sequence[str], seed: int = 0) -> None:
        """Answer every query with the result of one drawn from `queries`."""
        self._inner, self._queries = inner, list(queries)
        self._random = random.Random(seed)

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        """See `Retriever.search`."""
        drawn = [self._random.choice(self._queries) for _ in queries]
        return self._inner.search(drawn, top_k)
