"""`igs eval`: play a policy on questions and report its scores with intervals."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from igs_agent.cli.options import add_environment, add_policy, environment_options
from igs_agent.cli.torch_needed import need_torch
from igs_agent.cli.trained_with import TrainedWith, environment_for, trained_with

if TYPE_CHECKING:
    from igs_agent.evaluation import Evaluation
    from igs_agent.policy import Policy
    from igs_env.task import Task
    from igs_env.types import Question


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    add_environment(parser, split="dev")
    add_policy(parser)
    parser.add_argument("--limit", type=int, help="only so many questions, the same for everybody")
    parser.add_argument("--samples", type=int, default=1, help="episodes per question (default: 1)")
    parser.add_argument("--max-rows", type=int, default=256, help="episodes alive at once")
    parser.add_argument(
        "--shuffled-documents",
        action="store_true",
        help="a control: every search gets documents of another question",
    )
    parser.add_argument(
        "--output",
        type=Path,
        metavar="FILE",
        help="JSONL file for one row per episode (default: in the folder evaluations of the run, "
        "or of the current folder)",
    )


def run(args: argparse.Namespace) -> int:
    """Evaluate, keep the rows, print a Markdown table."""
    need_torch("igs eval")
    from igs_agent.checkpoint import policy_source
    from igs_agent.evaluation_table import markdown_table
    from igs_agent.policy import load_policy
    from igs_agent.tracking import write_jsonl
    from igs_env.task import make_task

    known = trained_with(args.policy)
    options = environment_for(environment_options(args), known)
    task = make_task(**{**options, "sampler": "none"})
    source = policy_source(args.policy)
    policy = load_policy(
        source, template=args.template or known.template, dtype=args.dtype, device=args.device
    )
    evaluation = _evaluated(args, task, policy, known)
    path = args.output or _default_output(args, str(options.get("questions", "atlas")))
    write_jsonl(path, evaluation.as_dicts())
    print(f"{source} on {task.source} ({args.split}), {_manner(args)}\n")
    print(markdown_table(evaluation))
    print(f"\nrows: {path}")
    return 0


def _evaluated(
    args: argparse.Namespace, task: Task, policy: Policy, known: TrainedWith
) -> Evaluation:
    from igs_agent.evaluation import evaluate
    from igs_agent.generation.native import NativeGenerator

    rules = task.rules
    if args.shuffled_documents:
        from igs_agent.shuffled_retriever import ShuffledRetriever, queries_of

        shuffled = ShuffledRetriever(rules.retriever, queries_of(task.questions), args.seed)
        rules = replace(rules, retriever=shuffled)
    return evaluate(
        rules,
        policy,
        NativeGenerator(policy),
        _limited(task.questions, args.limit),
        max_tokens=known.max_tokens if args.max_tokens is None else args.max_tokens,
        temperature=args.temperature,
        samples=args.samples,
        seed=args.seed,
        max_rows=args.max_rows,
        dataset=task.source,
    )


def _limited(questions: Sequence[Question], limit: int | None) -> Sequence[Question]:
    from igs_agent.run import subset
    from igs_env.errors import ConfigurationError

    if limit is None:
        return questions
    if limit < 1:
        raise ConfigurationError(f"--limit must be at least 1, got {limit}")
    return subset(questions, limit)


def _default_output(args: argparse.Namespace, questions: str) -> Path:
    """Named so that equal evaluations of two runs have equal names, for `igs compare`."""
    policy = Path(args.policy).expanduser()
    is_run = (policy / "config.toml").is_file()
    control = ("shuffled",) if args.shuffled_documents else ()
    parts = (*(() if is_run else (policy.name,)), questions, args.split, *control)
    name = "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-") for part in parts)
    return (policy if is_run else Path()) / "evaluations" / f"{name}.jsonl"


def _manner(args: argparse.Namespace) -> str:
    drawn = f"temperature {args.temperature:g}, {args.samples} per question, seed {args.seed}"
    manner = drawn if args.temperature > 0 else "greedy"
    return f"{manner}, documents of other questions" if args.shuffled_documents else manner
