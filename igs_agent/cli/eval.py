"""`igs eval`: play a policy on questions and report its scores with intervals."""

from __future__ import annotations

import argparse

from igs_agent.cli.options import add_environment, add_policy, environment_options
from igs_agent.cli.torch_needed import need_torch


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    add_environment(parser, split="dev")
    add_policy(parser)
    parser.add_argument("--limit", type=int, help="only so many questions, drawn by the seed")
    parser.add_argument("--output", metavar="FILE", help="JSONL file for one row per question")


def run(args: argparse.Namespace) -> int:
    """Evaluate and print a Markdown table."""
    need_torch("igs eval")
    from igs_agent.evaluation import evaluate, markdown_table
    from igs_agent.generation.native import NativeGenerator
    from igs_agent.policy import load_policy
    from igs_agent.run import subset
    from igs_agent.tracking import write_jsonl
    from igs_env.task import make_task

    task = make_task(**environment_options(args), sampler="none")
    policy = load_policy(args.policy, template=args.template)
    questions = subset(task.questions, args.limit or len(task.questions))
    evaluation = evaluate(
        task.rules,
        policy,
        NativeGenerator(policy),
        questions,
        max_tokens=args.max_tokens,
        temperature=args.temperature,
        seed=args.seed,
    )
    if args.output:
        write_jsonl(args.output, evaluation.as_dicts())
    print(markdown_table(evaluation))
    return 0
