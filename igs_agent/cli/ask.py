"""`igs ask`: a trained policy answers a question, and one sees how."""

from __future__ import annotations

import argparse

from igs_agent.cli.options import add_environment, add_policy, environment_options
from igs_agent.cli.torch_needed import need_torch
from igs_agent.cli.trained_with import environment_for, trained_with


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("question")
    add_environment(parser, split="dev")
    add_policy(parser)


def run(args: argparse.Namespace) -> int:
    """Play one episode and print it."""
    need_torch("igs ask")
    from igs_agent.checkpoint import policy_source
    from igs_agent.generation import Sampling
    from igs_agent.generation.native import NativeGenerator
    from igs_agent.policy import load_policy
    from igs_agent.policy_check import check_policy
    from igs_agent.rollout import RolloutPlan, rollout
    from igs_env.errors import ConfigurationError
    from igs_env.rendering import render_episode
    from igs_env.task import make_task
    from igs_env.types import Question

    if not args.question.strip():
        raise ConfigurationError("the question is empty; write what you want to know in quotes")
    known = trained_with(args.policy)
    task = make_task(**environment_for(environment_options(args), known), sampler="none")
    policy = load_policy(
        policy_source(args.policy),
        template=args.template or known.template,
        dtype=args.dtype,
        device=args.device,
    )
    max_tokens = known.max_tokens if args.max_tokens is None else args.max_tokens
    check_policy(policy, task, max_tokens)
    question = Question(id="asked", text=args.question, answers=("unknown",))
    (trajectory,) = rollout(
        task.rules,
        policy,
        NativeGenerator(policy),
        RolloutPlan(questions=[question], group_size=1, seed=args.seed),
        Sampling(temperature=args.temperature, max_tokens=max_tokens),
    )
    print(render_episode(trajectory.episode, show_gold=False))
    return 0
