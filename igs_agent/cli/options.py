"""Arguments that several verbs share: which environment, which policy."""

from __future__ import annotations

import argparse
from typing import Any


def add_environment(parser: argparse.ArgumentParser, *, split: str) -> None:
    """`--questions`, `--corpus`, `--split`, `--retriever`, `--protocol` and the limits."""
    group = parser.add_argument_group("environment")
    group.add_argument("--questions", default="atlas", help="name or file (default: atlas)")
    group.add_argument("--corpus", help="name or file (default: the questions' own)")
    group.add_argument("--split", default=split, help=f"train, dev or test (default: {split})")
    group.add_argument("--retriever", default="bm25", help="name or URL (default: bm25)")
    group.add_argument("--protocol", help="search-r1, autorefine or plain")
    group.add_argument("--top-k", type=int, help="documents per search")
    group.add_argument("--max-searches", type=int, help="searches per episode")


def environment_options(args: argparse.Namespace) -> dict[str, Any]:
    """Keyword arguments for `make_task`, those that were given."""
    names = ("questions", "corpus", "split", "retriever", "protocol", "top_k", "max_searches")
    return {name: getattr(args, name) for name in names if getattr(args, name) is not None}


def add_policy(parser: argparse.ArgumentParser) -> None:
    """`--policy`, `--template`, `--max-tokens`, `--temperature`, `--seed`."""
    group = parser.add_argument_group("policy")
    group.add_argument("--policy", default="tiny", help="folder, hub name or tiny (default: tiny)")
    group.add_argument("--template", choices=("plain", "chat"), help="how the prompt is wrapped")
    group.add_argument("--max-tokens", type=int, default=64, help="per turn (default: 64)")
    group.add_argument("--temperature", type=float, default=0.0, help="0 is greedy (default)")
    group.add_argument("--seed", type=int, default=0)
