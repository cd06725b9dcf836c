"""`igs play`: a person plays an episode in the terminal."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from typing import Any

from igs_agent.cli.options import add_environment, environment_options

_HELP = "type: search WORDS   or: answer WORDS   (Ctrl-D ends)"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the verb."""
    add_environment(parser, split="dev")
    parser.add_argument("--seed", type=int, help="which question; drawn anew without it")


def run(args: argparse.Namespace) -> int:
    """Play one episode; ends at once when the input does."""
    import gymnasium as gym

    import igs_env  # noqa: F401 - registers the environments
    from igs_env.rendering import printable

    env: Any = gym.make("IGSearchQA-v0", **environment_options(args)).unwrapped
    env.reset(seed=args.seed)
    print(f"\n{printable(env.episode.question.text)}\n\n{_HELP}")
    while not env.episode.done:
        line = _read()
        if line is None:
            print(f"\nleft without an answer; {_gold(env)}")
            return 0
        if line.strip():
            env.step(as_output(line))
            print(_shown(env))
    return 0


def as_output(line: str) -> str:
    """What a policy would have written: `search x` becomes `<search>x</search>`.

    >>> as_output("search capital of Peru")
    '<search>capital of Peru</search>'
    """
    verb, _, rest = line.strip().partition(" ")
    if verb.lower() in ("search", "answer"):
        return f"<{verb.lower()}>{rest}</{verb.lower()}>"
    return line


def _read() -> str | None:
    if sys.stdin.isatty():
        try:
            return input("\n> ")
        except EOFError:
            return None
    line = sys.stdin.readline()
    if not line:
        return None
    print(f"\n> {line.rstrip()}")
    return line


def _shown(env: Any) -> str:
    """The newest step: documents and gain, what to type instead, or the verdict."""
    from igs_env.rendering import render_step
    from igs_env.types import Answer, Invalid

    episode = env.episode
    step = episode.steps[-1]
    lines = [render_step(len(episode.steps) - 1, step, env.gains[-1])]
    if isinstance(step.action, Answer):
        lines.append(f"{_verdict(step.action.text, episode.question.answers)}; {_gold(env)}")
    elif step.retrieval_failed:
        lines.append(f"the episode ends here, without a reward; {_gold(env)}")
    elif episode.truncated:
        lines.append(f"out of steps; {_gold(env)}")
    elif isinstance(step.action, Invalid):
        lines.append(_HELP)
    elif not step.searched:
        lines.append("answer now: answer WORDS")
    return "\n".join(lines)


def _verdict(answer: str, golds: Sequence[str]) -> str:
    from igs_env.answers import exact_match, f1

    return f"{'right' if exact_match(answer, golds) else 'wrong'} (F1 {f1(answer, golds):.2f})"


def _gold(env: Any) -> str:
    from igs_env.rendering import printable

    return printable("gold: " + " | ".join(env.episode.question.answers))
