"""`igs eval --policy http://…`: a policy behind an endpoint plays, and is judged by its text."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from igs_agent.cli.eval_subject import limited, rules_of
from igs_agent.cli.trained_with import DEFAULT_MAX_TOKENS

if TYPE_CHECKING:
    from igs_agent.evaluation import Evaluation
    from igs_agent.remote import RemotePolicy
    from igs_env.task import Task


def is_remote(policy: str) -> bool:
    """Whether a policy is named by its address."""
    return policy.startswith(("http://", "https://"))


def evaluate_remote(
    args: argparse.Namespace, tasks: Sequence[Task], labels: Sequence[str]
) -> tuple[str, list[Evaluation]]:
    """(the model's name, one evaluation per task)."""
    from igs_agent.remote import RemotePolicy
    from igs_env.errors import ConfigurationError

    if args.baseline:
        raise ConfigurationError(
            f"--baseline {args.baseline} writes a part of the output in tokens, which an endpoint "
            "does not take; load the model here with --policy FOLDER"
        )
    policy = RemotePolicy(args.policy, model=args.model, template=args.template or "chat")
    try:
        pairs = zip(tasks, labels, strict=True)
        evaluations = [_evaluated(args, policy, task, label) for task, label in pairs]
    finally:
        policy.close()
    return f"{policy.model} at {policy.endpoint.url}", evaluations


def _evaluated(
    args: argparse.Namespace, policy: RemotePolicy, task: Task, label: str
) -> Evaluation:
    from igs_agent.evaluation import Evaluation, evaluation_row
    from igs_agent.generation import Sampling
    from igs_agent.remote import play_remote
    from igs_agent.rollout import RolloutPlan

    played = play_remote(
        rules_of(args, task),
        policy,
        RolloutPlan(
            questions=limited(task.questions, args.limit), group_size=args.samples, seed=args.seed
        ),
        Sampling(temperature=args.temperature, max_tokens=args.max_tokens or DEFAULT_MAX_TOKENS),
        max_rows=args.max_rows,
    )
    rows = (
        evaluation_row(
            each.episode,
            policy_tokens=each.tokens,
            truncated=each.episode.truncated,
            dataset=label,
        )
        for each in played
    )
    return Evaluation(rows=tuple(rows))
