"""`igs compare`: two evaluations of the same questions, paired."""

from __future__ import annotations

import argparse
from pathlib import Path

from igs_env.errors import DataError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    place = "file that igs eval wrote, or a run folder with such files in evaluations/"
    parser.add_argument("first", type=Path, help=place)
    parser.add_argument("second", type=Path, help="the same, of the other policy")


def run(args: argparse.Namespace) -> int:
    """Print the paired difference of each score with its interval."""
    from igs_agent.evaluation import read_evaluation
    from igs_agent.evaluation_table import comparison_table

    for first, second in _pairs(args.first, args.second):
        print(f"first {first}, second {second}\n")
        print(comparison_table(read_evaluation(first), read_evaluation(second)), end="\n\n")
    return 0


def _pairs(first: Path, second: Path) -> list[tuple[Path, Path]]:
    """The files to compare: those given, or the evaluations that both runs have by name."""
    if not first.is_dir() and not second.is_dir():
        return [(first, second)]
    names = [{path.name for path in _files(place)} for place in (first, second)]
    common = sorted(names[0] & names[1]) if first.is_dir() and second.is_dir() else []
    if not common:
        raise DataError(
            f"{first} and {second} have no evaluation of one name; run igs eval --policy on both "
            f"with the same questions. There are {sorted(names[0])} and {sorted(names[1])}"
        )
    return [(first / "evaluations" / name, second / "evaluations" / name) for name in common]


def _files(place: Path) -> list[Path]:
    return sorted((place / "evaluations").glob("*.jsonl")) if place.is_dir() else [place]
