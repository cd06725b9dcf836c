"""`igs`: the command line. Every verb is imported when it is called, so that help is instant."""

from __future__ import annotations

import argparse
import importlib
import os
import sys
from collections.abc import Sequence

VERBS: dict[str, str] = {
    "play": "play an episode yourself, and see what each search gained",
    "train": "train a policy",
    "eval": "exact match, F1 and recall of a policy, with intervals",
    "compare": "two evaluations of the same questions, paired",
    "report": "one or several runs as a page: curves, intervals, what may be claimed",
    "view": "the episodes of a run, token by token, in a browser",
    "ask": "one question to a policy",
    "warmstart": "teach a policy the form of an episode by demonstrations",
    "convert": "a GGUF file or hub model as a folder that loads at once",
    "serve": "a retrieval server in Search-R1's dialect",
    "index": "build the index of a corpus",
    "doctor": "what a configuration lacks on this machine, and what it takes",
}
"""Verb → what it does; its module is `igs_agent.cli.<verb>`."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run a verb. The exit status: 0 done, 1 something is missing (`doctor`), 2 a mistake that the
    message names, 130 interrupted."""
    # Beside each other these are light; everything else is the verb's.
    from igs_env.errors import IGSearchError

    arguments = list(sys.argv[1:] if argv is None else argv)
    try:
        return _run(arguments)
    except IGSearchError as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        return 130
    except BrokenPipeError:
        # Whoever read our output has gone; Python would complain once more while exiting.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _run(arguments: list[str]) -> int:
    if not arguments or arguments[0] in ("-h", "--help"):
        print(_help())
        return 0
    if arguments[0] in ("-V", "--version"):
        print(_version())
        return 0
    name = arguments[0]
    if name not in VERBS:
        from igs_env.errors import unknown_name

        raise unknown_name("verb", name, VERBS)
    # `credit=mine:estimate` means mine.py in the folder that one is in. Last, so that no file there
    # stands before a library.
    sys.path.append(os.getcwd())
    module = importlib.import_module(f"igs_agent.cli.{name}")
    parser = argparse.ArgumentParser(prog=f"igs {name}", description=VERBS[name].capitalize() + ".")
    module.add_arguments(parser)
    status: int = module.run(parser.parse_args(arguments[1:]))
    return status


def _help() -> str:
    lines = [f"  {name:<11}{text}" for name, text in VERBS.items()]
    return "\n".join(
        ["usage: igs VERB …", "", "verbs:", *lines, "", "igs VERB --help says more of a verb."]
    )


def _version() -> str:
    from importlib.metadata import version

    return f"ig-search-gym {version('ig-search-gym')}"
