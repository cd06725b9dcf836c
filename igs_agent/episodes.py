"""Rollouts as rows and numbers for the record. `docs/metrics.md` says what each means."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from igs_agent.batch import Credit
from igs_agent.evaluation import gold_recall, trajectory_row
from igs_agent.trajectory import Trajectory
from igs_env.answers import exact_match, f1
from igs_env.rewards import final_answer
from igs_env.types import Action, Answer, InformationGain, Invalid, Search


def episode_row(trajectory: Trajectory, credit: Credit, index: int) -> dict[str, Any]:
    """One episode with per-step gain and credit, JSON-serialisable.

    Compact: who wrote a token follows from `turns`, and log-probabilities are only there for
    tokens that the policy wrote, in their order.

    Args:
        trajectory: finished and measured.
        credit: of the whole batch.
        index: the trajectory's row in it.
    """
    episode, scores = trajectory.episode, trajectory_row(trajectory)
    return {
        "id": episode.id,
        "group": episode.group_id,
        "question_id": episode.question.id,
        "question": episode.question.text,
        "answers": episode.question.answers,
        "gold_documents": episode.question.gold_documents,
        "hops": episode.question.hops,
        "kind": episode.question.kind,
        "prompt": episode.prompt,
        "steps": [_step(trajectory, credit, index, step) for step in range(len(episode.steps))],
        "reward": trajectory.reward,
        "exact_match": scores.exact_match,
        "f1": scores.f1,
        "recall": scores.recall,
        "truncated": trajectory.truncated,
        "overflowed": trajectory.overflowed,
        "retrieval_failed": trajectory.retrieval_failed,
        "tokens": trajectory.token_ids.tolist(),
        "turns": [[t.start, t.end, t.observation_end, *t.query] for t in trajectory.turns],
        "log_probs": [round(float(x), 4) for x in trajectory.log_probs[trajectory.is_policy]],
    }


def rollout_metrics(trajectories: Sequence[Trajectory]) -> dict[str, float]:
    """Means over the rollouts of an update; what could not be measured is left out.

    Rollouts that a failed retrieval ended say nothing about the policy: they are counted, and in
    no other mean.
    """
    counted = [t for t in trajectories if not t.retrieval_failed]
    steps = [step for t in counted for step in t.episode.steps]
    gains = [gain for t in trajectories for gain in t.gains if gain is not None]
    means = {
        "rollout/reward": [t.reward for t in counted],
        "rollout/exact_match": [_score(t, exact_match) for t in counted],
        "rollout/f1": [_score(t, f1) for t in counted],
        "rollout/recall": [
            recall for t in counted if (recall := gold_recall(t.episode)) is not None
        ],
        "rollout/searches": [t.episode.searches for t in counted],
        "rollout/valid_actions": [not isinstance(s.action, Invalid) for s in steps],
        "rollout/truncated": [t.truncated for t in counted],
        "rollout/retrieval_failed": [t.retrieval_failed for t in trajectories],
        "rollout/policy_tokens": [t.is_policy.sum() for t in trajectories],
        "gain/log_prob_real": [gain.log_prob_real for gain in gains],
        "gain/log_prob_counterfactual": [gain.log_prob_counterfactual for gain in gains],
        "gain/stderr": [gain.stderr for gain in gains if gain.draws > 1],
    }
    return {
        name: float(np.mean(np.asarray(values, dtype=np.float64)))
        for name, values in means.items()
        if values
    }


def _step(trajectory: Trajectory, credit: Credit, row: int, number: int) -> dict[str, Any]:
    step = trajectory.episode.steps[number]
    gain = trajectory.gains[number] if trajectory.gains else None
    kind, text = _action(step.action)
    return {
        "action": kind,
        "text": text,
        "output": step.output,
        "observation": step.observation,
        "documents": [document.id for document in step.documents],
        "searched": step.searched,
        "retrieval_failed": step.retrieval_failed,
        **_gain(gain),
        "credit": float(credit.step[row, number]),
        "query_credit": float(credit.query[row, number]),
    }


def _gain(gain: InformationGain | None) -> dict[str, Any]:
    if gain is None:
        return {"gain": None}
    return {
        "gain": gain.value,
        "gain_stderr": gain.stderr,
        "log_prob_real": gain.log_prob_real,
        "log_probs_counterfactual": gain.log_probs_counterfactual,
        "counterfactual_ids": gain.counterfactual_ids,
        "counterfactual_source": gain.source,
        "answer_in_counterfactual": gain.answer_in_counterfactual,
    }


def _action(action: Action) -> tuple[str, str]:
    """(what was done, the query, the answer or why it was not usable)."""
    if isinstance(action, Search):
        return "search", action.query
    if isinstance(action, Answer):
        return "answer", action.text
    return "invalid", action.reason


def _score(trajectory: Trajectory, score: Any) -> float:
    answer = final_answer(trajectory.episode)
    return 0.0 if answer is None else float(score(answer, trajectory.episode.question.answers))
