"""Rollouts as rows and numbers for the record."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from igs_agent.batch import Credit
from igs_agent.evaluation import gold_recall
from igs_agent.trajectory import Trajectory
from igs_env.answers import exact_match, f1
from igs_env.rewards import final_answer
from igs_env.types import Answer, Invalid


def episode_row(trajectory: Trajectory, credit: Credit, index: int) -> dict[str, Any]:
    """One episode with per-step gain and credit, JSON-serialisable.

    Args:
        trajectory: finished and measured.
        credit: of the whole batch.
        index: the trajectory's row in it.
    """
    episode = trajectory.episode
    steps = []
    for number, step in enumerate(episode.steps):
        gain = trajectory.gains[number] if trajectory.gains else None
        kind = (
            "invalid"
            if isinstance(step.action, Invalid)
            else ("answer" if isinstance(step.action, Answer) else "search")
        )
        steps.append(
            {
                "action": kind,
                "output": step.output,
                "observation": step.observation,
                "documents": [document.id for document in step.documents],
                "retrieval_failed": step.retrieval_failed,
                "gain": gain.value if gain else None,
                "gain_stderr": gain.stderr if gain else None,
                "log_prob_real": gain.log_prob_real if gain else None,
                "log_probs_counterfactual": gain.log_probs_counterfactual if gain else None,
                "counterfactual_ids": gain.counterfactual_ids if gain else None,
                "credit": float(credit.step[index, number]),
                "query_credit": float(credit.query[index, number]),
            }
        )
    return {
        "id": episode.id,
        "group": episode.group_id,
        "question_id": episode.question.id,
        "question": episode.question.text,
        "answers": episode.question.answers,
        "gold_documents": episode.question.gold_documents,
        "prompt": episode.prompt,
        "steps": steps,
        "reward": trajectory.reward,
        "truncated": trajectory.truncated,
        "tokens": trajectory.token_ids.tolist(),
        "turns": [[t.start, t.end, t.observation_end, *t.query] for t in trajectory.turns],
        "log_probs": [round(float(x), 4) for x in trajectory.log_probs],
    }


def rollout_metrics(trajectories: Sequence[Trajectory]) -> dict[str, float]:
    """Means over the rollouts of an update."""
    answers = [final_answer(t.episode) for t in trajectories]
    golds = [t.episode.question.answers for t in trajectories]
    steps = [step for t in trajectories for step in t.episode.steps]
    gains = [gain for t in trajectories for gain in t.gains if gain is not None]
    pairs = [(a, g) for a, g in zip(answers, golds, strict=True) if a is not None]
    count = max(1, len(trajectories))
    return {
        "rollout/reward": _mean([t.reward for t in trajectories]),
        "rollout/exact_match": sum(exact_match(a, g) for a, g in pairs) / count,
        "rollout/f1": sum(f1(a, g) for a, g in pairs) / count,
        "rollout/recall": _mean([r for t in trajectories if (r := gold_recall(t)) is not None]),
        "rollout/searches": _mean([t.episode.searches for t in trajectories]),
        "rollout/valid_actions": _mean([not isinstance(s.action, Invalid) for s in steps]),
        "rollout/truncated": _mean([t.truncated for t in trajectories]),
        "rollout/retrieval_failed": _mean([t.retrieval_failed for t in trajectories]),
        "rollout/policy_tokens": _mean([t.is_policy.sum() for t in trajectories]),
        "gain/log_prob_real": _mean([gain.log_prob_real for gain in gains]),
        "gain/log_prob_counterfactual": _mean([gain.log_prob_counterfactual for gain in gains]),
        "gain/stderr": _mean([gain.stderr for gain in gains]),
    }


def _mean(values: Sequence[float]) -> float:
    return float(np.mean(np.asarray(values, dtype=np.float64))) if len(values) else 0.0
