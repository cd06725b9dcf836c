"""Names of question sets and corpora, and what a `source` string means.

A source is one of, tried in this order:

- a registered name, with arguments after a colon: `fiction:documents=20000,seed=3`;
- a path: it ends in a known suffix, holds a separator, or exists;
- `module:attribute`, an object or a function that returns one.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from igs_env.components import import_attribute
from igs_env.errors import ConfigurationError, unknown_name

DATASETS: dict[str, str] = {
    "atlas": "igs_env.datasets.atlas:questions",
    "fiction": "igs_env.datasets.fiction:questions",
    "nq": "igs_env.datasets.benchmarks:nq",
    "triviaqa": "igs_env.datasets.benchmarks:triviaqa",
    "popqa": "igs_env.datasets.benchmarks:popqa",
    "hotpotqa": "igs_env.datasets.benchmarks:hotpotqa",
    "2wikimultihopqa": "igs_env.datasets.benchmarks:two_wiki_multihop_qa",
    "musique": "igs_env.datasets.benchmarks:musique",
    "bamboogle": "igs_env.datasets.benchmarks:bamboogle",
}
"""Question sets by name: functions `(*, split, …) -> Sequence[Question]`, imported on first use."""

CORPORA: dict[str, str] = {
    "atlas": "igs_env.datasets.atlas:corpus",
    "fiction": "igs_env.datasets.fiction:corpus",
    "wiki18": "igs_env.datasets.wiki18:corpus",
    "none": "igs_env.datasets.absent:corpus",
}
"""Corpora by name: functions that return documents or a `Corpus`, imported on first use."""

SUFFIXES = (".jsonl", ".jsonl.gz", ".json", ".parquet", ".arrow")
"""File names that are read; anything else needs to be converted first."""

Argument = str | int | float


def resolve(kind: str, source: str, registry: Mapping[str, str], **options: Argument) -> Any:
    """The `Path`, or the object, that `source` names.

    Args:
        kind: `questions` or `corpus`, for the errors.
        source: see the module's first lines.
        registry: `DATASETS` or `CORPORA`.
        options: arguments that a function gets besides those written in `source`.

    Raises:
        ConfigurationError: unknown name or argument, or nothing that can be imported.
    """
    name, colon, text = source.partition(":")
    if name in registry:
        target = import_attribute(kind, registry[name])
        return _call(kind, source, target, parse_arguments(kind, source, text) | options)
    if is_path(source):
        return Path(source).expanduser()
    if colon and text.isidentifier():
        target = import_attribute(kind, source)
        return _call(kind, source, target, options) if callable(target) else target
    raise ConfigurationError(
        f"{unknown_name(kind, name, registry)}; or give a file ({', '.join(SUFFIXES)}) or "
        "module:attribute"
    )


def is_path(source: str) -> bool:
    """Whether `source` is meant as a file or folder.

    >>> is_path("data/nq"), is_path("test.jsonl"), is_path("my.module:questions")
    (True, True, False)
    """
    return (
        source.lower().endswith(SUFFIXES)
        or os.sep in source
        or "/" in source
        or os.path.exists(source)
    )


def parse_arguments(kind: str, source: str, text: str) -> dict[str, Argument]:
    """The arguments written behind a name, numbers as numbers.

    >>> parse_arguments("corpus", "fiction:seed=3,link_noise=0.5", "seed=3,link_noise=0.5")
    {'seed': 3, 'link_noise': 0.5}
    """
    arguments: dict[str, Argument] = {}
    for pair in filter(None, text.split(",")):
        key, equals, value = (part.strip() for part in pair.partition("="))
        if not (equals and key and value):
            raise ConfigurationError(
                f"{kind} {source!r}: {pair!r} is no argument; write name:key=value,key=value"
            )
        if key in arguments:
            raise ConfigurationError(f"{kind} {source!r}: {key!r} is given twice; keep one")
        arguments[key] = _number_or_text(value)
    return arguments


def _number_or_text(value: str) -> Argument:
    for number in (int, float):
        try:
            return number(value)
        except ValueError:
            continue
    return value


def _call(kind: str, source: str, target: Any, arguments: dict[str, Argument]) -> Any:
    known = inspect.signature(target).parameters
    for key in arguments:
        if key not in known:
            name = source.partition(":")[0]
            raise unknown_name(f"argument of {kind} {name!r}", key, known)
    if "split" in known and known["split"].default is inspect.Parameter.empty:
        arguments = {"split": "train", **arguments}
    return target(**arguments)
