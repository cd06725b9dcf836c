"""Which question sets `igs eval` plays, one or several."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from igs_agent.cli.options import environment_options
from igs_agent.cli.trained_with import TrainedWith, environment_for

ALL = "benchmarks"


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOptions:
    """One set, and how its environment is made."""

    label: str
    """In rows and file names."""
    split: str
    options: Mapping[str, Any]
    """Keyword arguments for `make_task`."""


def add_sets(parser: argparse.ArgumentParser) -> None:
    """`--sets` and `--data`."""
    group = parser.add_argument_group("several question sets, in place of --questions")
    group.add_argument(
        "--sets",
        nargs="+",
        metavar="SET",
        help=f"names or files, or {ALL} for the field's seven; a benchmark gives the split that "
        "the field reports, others --split",
    )
    group.add_argument(
        "--data", metavar="FOLDER", help="local copy of the benchmarks: FOLDER/nq/test.jsonl, …"
    )


def sets_of(args: argparse.Namespace, known: TrainedWith) -> list[SetOptions]:
    """The sets that are asked for, in environments like the one that the policy knows.

    Raises:
        ConfigurationError: both --questions and --sets, or --data without sets.
    """
    from igs_env.errors import ConfigurationError

    if args.sets and args.questions:
        raise ConfigurationError("give --questions for one set or --sets for several, not both")
    if args.data and not args.sets:
        raise ConfigurationError("--data says where --sets lie; give --sets")
    if not args.sets:
        options = environment_for(environment_options(args), known)
        label = str(options.get("questions", "atlas"))
        return [SetOptions(label=label, split=args.split, options=options)]
    return [_set(args, known, source) for source in _names(args.sets)]


def _names(given: list[str]) -> list[str]:
    from igs_agent.published import SETS

    return list(dict.fromkeys(name for one in given for name in (SETS if one == ALL else (one,))))


def _set(args: argparse.Namespace, known: TrainedWith, source: str) -> SetOptions:
    from igs_env.datasets.benchmarks import BENCHMARKS

    name = source.partition(":")[0]
    options = environment_for({**environment_options(args), "questions": source}, known)
    if name not in BENCHMARKS:
        return SetOptions(label=source, split=args.split, options=options)
    del options["split"]
    if args.data and source == name:
        options["questions"] = f"{name}:path={args.data}"
    return SetOptions(label=name, split=BENCHMARKS[name].splits[-1], options=options)
