"""`igs compare`: two evaluations of the same questions, paired."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    parser.add_argument("first", type=Path, help='rows that "igs eval --output" wrote')
    parser.add_argument("second", type=Path, help="rows of the other policy")


def run(args: argparse.Namespace) -> int:
    """Print the paired difference of each score with its interval."""
    from igs_agent.statistics import paired_bootstrap
    from igs_agent.tracking import read_jsonl
    from igs_env.errors import DataError

    first, second = (
        {row["question_id"]: row for row in read_jsonl(path)} for path in (args.first, args.second)
    )
    shared = [id for id in first if id in second]
    if not shared:
        raise DataError(f"{args.first} and {args.second} have no question in common")
    print(f"{len(shared)} questions in common; difference {args.first} − {args.second}\n")
    print("| score | first | second | difference, 95 % interval |\n|---|---|---|---|")
    for name in ("exact_match", "f1", "sub_exact_match", "recall", "searches"):
        a, b = ([float(rows[id][name]) for id in shared] for rows in (first, second))
        difference = paired_bootstrap(a, b)
        print(
            f"| {name} | {sum(a) / len(a):.3f} | {sum(b) / len(b):.3f} | "
            f"{difference.mean:+.3f} [{difference.low:+.3f}, {difference.high:+.3f}] |"
        )
    return 0
