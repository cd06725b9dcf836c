"""`igs play`: a person plays an episode in the terminal."""

from __future__ import annotations

import argparse
import sys
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
            print("\nleft without an answer; gold: " + " | ".join(env.episode.question.answers))
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
    """The newest step: documents and gain, a reminder, or the verdict."""
    from igs_env.rendering import render_step
    from igs_env.types import Answer

    episode = env.episode
    lines = [render_step(len(episode.steps) - 1, episode.steps[-1], env.gains[-1])]
    if isinstance(episode.steps[-1].action, Answer):
        from igs_env.answers import exact_match, f1

        answer, golds = episode.steps[-1].action.text, episode.question.answers
        lines.append(
            f"{'right' if exact_match(answer, golds) else 'wrong'} (F1 {f1(answer, golds):.2f}); "
            f"gold: {' | '.join(golds)}"
        )
    elif episode.truncated:
        lines.append(f"out of steps; gold: {' | '.join(episode.question.answers)}")
    elif not episode.steps[-1].searched:
        lines.append(episode.steps[-1].observation.strip())
    return "\n".join(lines)
