"""Arguments that several verbs share: which environment, which policy."""

from __future__ import annotations

import argparse
from typing import Any

_NAMES = (
    "questions",
    "corpus",
    "split",
    "hops",
    "retriever",
    "protocol",
    "top_k",
    "max_searches",
)


def add_environment(parser: argparse.ArgumentParser, *, split: str) -> None:
    """`--questions`, `--corpus`, `--split`, `--hops`, `--retriever`, `--protocol`, the limits."""
    group = parser.add_argument_group("environment")
    group.add_argument("--questions", help="name or file (default: atlas)")
    group.add_argument("--corpus", help="name or file (default: the questions' own)")
    group.add_argument("--split", default=split, help=f"train, dev or test (default: {split})")
    group.add_argument("--hops", type=int, help="only questions with so many hops")
    group.add_argument("--retriever", help="name or URL (default: bm25)")
    group.add_argument("--protocol", help="search-r1, autorefine or plain (default: search-r1)")
    group.add_argument("--top-k", type=int, help="documents per search")
    group.add_argument("--max-searches", type=int, help="searches per episode")


def environment_options(args: argparse.Namespace) -> dict[str, Any]:
    """Keyword arguments for `make_task`, those that were given."""
    return {name: getattr(args, name) for name in _NAMES if getattr(args, name) is not None}


def add_policy(parser: argparse.ArgumentParser) -> None:
    """`--policy`, how it is held, and how its tokens are drawn."""
    group = parser.add_argument_group("policy")
    group.add_argument(
        "--policy",
        default="tiny",
        help="run folder (its best checkpoint), model folder, hub name or tiny (default: tiny); "
        "for igs eval also the address of an OpenAI-compatible endpoint; "
        "what it was trained with is the default of the environment's arguments",
    )
    group.add_argument("--template", choices=("plain", "chat"), help="how the prompt is wrapped")
    group.add_argument("--dtype", default="float32", help="float32 (default), bfloat16, float16")
    group.add_argument("--device", help="default: a GPU where one is visible")
    group.add_argument("--max-tokens", type=int, help="per turn (default: as trained, else 64)")
    group.add_argument("--temperature", type=float, default=0.0, help="0 is greedy (default)")
    group.add_argument("--seed", type=int, default=0, help="of the draws above temperature 0")
