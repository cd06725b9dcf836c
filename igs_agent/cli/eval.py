"""`igs eval`: play a policy on questions and report its scores with intervals."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from igs_agent.cli.eval_remote import evaluate_remote, is_remote
from igs_agent.cli.eval_sets import SetOptions, add_sets, sets_of
from igs_agent.cli.eval_subject import limited, rules_of
from igs_agent.cli.options import add_environment, add_policy
from igs_agent.cli.torch_needed import need_torch
from igs_agent.cli.trained_with import TrainedWith, trained_with

if TYPE_CHECKING:
    from igs_agent.evaluation import Evaluation
    from igs_agent.generation import Generator
    from igs_agent.policy import Policy
    from igs_env.task import Task
    from igs_env.transition import Rules
    from igs_env.types import Question


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    add_environment(parser, split="dev")
    add_sets(parser)
    add_policy(parser)
    parser.add_argument(
        "--model", help="with --policy http://…: its name there (default: the first it lists)"
    )
    parser.add_argument("--limit", type=int, help="only so many questions, the same for everybody")
    parser.add_argument("--samples", type=int, default=1, help="episodes per question (default: 1)")
    parser.add_argument("--max-rows", type=int, default=256, help="episodes alive at once")
    parser.add_argument(
        "--baseline",
        choices=("closed-book", "rag", "question"),
        help="without searching for itself: the answer alone; one retrieval with the question, "
        "then the answer; the question as the only query",
    )
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
        "or of the current folder, one file per set)",
    )


def run(args: argparse.Namespace) -> int:
    """Evaluate, keep the rows, print a Markdown table."""
    need_torch("igs eval")
    from igs_agent.checkpoint import policy_source
    from igs_agent.policy import load_policy
    from igs_env.task import make_task

    known = trained_with(args.policy)
    sets = sets_of(args, known)
    # All of them before the first episode: a set that is not there is found at once.
    tasks = [make_task(**{**each.options, "sampler": "none"}) for each in sets]
    if is_remote(args.policy):
        source, evaluations = evaluate_remote(args, tasks, [each.label for each in sets])
    else:
        source = policy_source(args.policy)
        policy = load_policy(
            source, template=args.template or known.template, dtype=args.dtype, device=args.device
        )
        evaluations = [
            _evaluated(args, task, policy, known, each.label)
            for each, task in zip(sets, tasks, strict=True)
        ]
    paths = _write(args, sets, evaluations)
    names = ", ".join(
        f"{task.source} ({each.split})" for each, task in zip(sets, tasks, strict=True)
    )
    print(f"{source} on {names}, {_manner(args)}\n")
    print(_table(args, evaluations))
    print(f"\nrows: {', '.join(map(str, paths))}")
    return 0


def _table(args: argparse.Namespace, evaluations: Sequence[Evaluation]) -> str:
    from igs_agent.benchmark_table import benchmark_table
    from igs_agent.evaluation import Evaluation
    from igs_agent.evaluation_table import markdown_table

    together = Evaluation(rows=tuple(row for each in evaluations for row in each.rows))
    return benchmark_table(together) if args.sets else markdown_table(together)


def _write(
    args: argparse.Namespace, sets: Sequence[SetOptions], evaluations: Sequence[Evaluation]
) -> list[Path]:
    from igs_agent.tracking import write_jsonl

    if args.output:
        write_jsonl(args.output, [row for each in evaluations for row in each.as_dicts()])
        return [args.output]
    paths = [_default_output(args, each.label, each.split) for each in sets]
    for path, evaluation in zip(paths, evaluations, strict=True):
        write_jsonl(path, evaluation.as_dicts())
    return paths


def _evaluated(
    args: argparse.Namespace, task: Task, policy: Policy, known: TrainedWith, label: str
) -> Evaluation:
    from igs_agent.evaluation import evaluate
    from igs_agent.policy_check import check_policy

    max_tokens = known.max_tokens if args.max_tokens is None else args.max_tokens
    check_policy(policy, task, max_tokens)
    questions = limited(task.questions, args.limit)
    rules, generator = _played(args, task, policy, questions)
    return evaluate(
        rules,
        policy,
        generator,
        questions,
        max_tokens=max_tokens,
        temperature=args.temperature,
        samples=args.samples,
        seed=args.seed,
        max_rows=args.max_rows,
        dataset=label,
    )


def _played(
    args: argparse.Namespace, task: Task, policy: Policy, questions: Sequence[Question]
) -> tuple[Rules, Generator]:
    """The task's rules and the policy's generator, or those of the control that is asked for."""
    from igs_agent.baselines import BaselineGenerator, baseline_rules, questions_of_plan
    from igs_agent.generation.native import NativeGenerator
    from igs_agent.rollout import RolloutPlan

    rules, generator = rules_of(args, task), NativeGenerator(policy)
    if args.baseline is None:
        return rules, generator
    rules = baseline_rules(args.baseline, rules)
    plan = RolloutPlan(questions=questions, group_size=args.samples, seed=args.seed)
    asked = questions_of_plan(rules, plan)
    return rules, BaselineGenerator(args.baseline, policy, generator, asked)


def _default_output(args: argparse.Namespace, questions: str, split: str) -> Path:
    """Named so that equal evaluations of two runs have equal names, for `igs compare`."""
    policy = Path(args.policy).expanduser()
    is_run = (policy / "config.toml").is_file()
    control = [args.baseline] if args.baseline else []
    control += ["shuffled"] if args.shuffled_documents else []
    parts = (*(() if is_run else (policy.name,)), questions, split, *control)
    name = "-".join(re.sub(r"[^A-Za-z0-9.]+", "-", part).strip("-") for part in parts)
    return (policy if is_run else Path()) / "evaluations" / f"{name}.jsonl"


def _manner(args: argparse.Namespace) -> str:
    drawn = f"temperature {args.temperature:g}, {args.samples} per question, seed {args.seed}"
    manner = drawn if args.temperature > 0 else "greedy"
    manner += f", baseline {args.baseline}" if args.baseline else ""
    return f"{manner}, documents of other questions" if args.shuffled_documents else manner
