"""`igs ask`: a trained policy answers a question, and one sees how."""

from __future__ import annotations

import argparse

from igs_agent.cli.options import add_environment, add_policy, environment_options
from igs_agent.cli.torch_needed import need_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("question")
    add_environment(parser, split="dev")
    add_policy(parser)


def run(args: argparse.Namespace) -> int:
    """Play one episode and print it."""
    need_torch("igs ask")
    from igs_agent.generation import Sampling
    from igs_agent.generation.native import NativeGenerator
    from igs_agent.policy import load_policy
    from igs_agent.rollout import RolloutPlan, rollout
    from igs_env.rendering import render_episode
    from igs_env.task import make_task
    from igs_env.types import Question

    task = make_task(**environment_options(args), sampler="none")
    policy = load_policy(args.policy, template=args.template)
    question = Question(id="asked", text=args.question, answers=("unknown",))
    (trajectory,) = rollout(
        task.rules,
        policy,
        NativeGenerator(policy),
        RolloutPlan(questions=[question], group_size=1, seed=args.seed),
        Sampling(temperature=args.temperature, max_tokens=args.max_tokens),
    )
    print(render_episode(trajectory.episode, show_gold=False))
    return 0
