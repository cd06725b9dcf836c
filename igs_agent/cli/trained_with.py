"""What a policy was trained with, so that it is asked in the form that it knows."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from igs_env.errors import ConfigurationError

DEFAULT_MAX_TOKENS = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainedWith:
    """Settings that stand beside a policy; empty where nothing is known."""

    env: Mapping[str, Any] = field(default_factory=dict)
    """Keyword arguments of its environment."""
    max_tokens: int = DEFAULT_MAX_TOKENS
    """Per turn."""
    template: Literal["plain", "chat"] | None = None


def trained_with(policy: str) -> TrainedWith:
    """Settings of the run, or of the warm start, that a policy comes from.

    Args:
        policy: a run folder, one of its checkpoints, a folder of `igs warmstart`, `tiny`, or
            something else, of which nothing is known.
    """
    from igs_agent.policy import tiny_path

    folder = tiny_path() if policy == "tiny" else Path(policy).expanduser().resolve()
    if not folder.is_dir():
        return TrainedWith()
    for run in (folder, *folder.parents[:2]):  # RUN, RUN/best or RUN/checkpoints, and below
        if (run / "config.toml").is_file():
            return _of_run(run / "config.toml")
    warmstart = folder / "warmstart.json"
    return _of_warmstart(warmstart) if warmstart.is_file() else TrainedWith()


def environment_for(given: Mapping[str, Any], known: TrainedWith) -> dict[str, Any]:
    """Arguments of an environment: what was given, and else what the policy was trained with.

    A policy's corpus and hop counts belong to its own questions and go with them.

    >>> known = TrainedWith(env={"questions": "atlas", "hops": 2, "protocol": "plain"})
    >>> environment_for({"questions": "nq", "split": "dev"}, known)
    {'protocol': 'plain', 'questions': 'nq', 'split': 'dev'}
    """
    others = "questions" in given and given["questions"] != known.env.get("questions", "atlas")
    own = ("questions", "corpus", "hops") if others else ()
    return {**{name: value for name, value in known.env.items() if name not in own}, **given}


def _of_run(path: Path) -> TrainedWith:
    from igs_agent.config_file import load_config

    config = load_config(path)
    return TrainedWith(
        env=config.env, max_tokens=config.rollout.max_tokens, template=config.policy.template
    )


def _of_warmstart(path: Path) -> TrainedWith:
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
        return TrainedWith(env=record["env"], template=record.get("template"))
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigurationError(
            f"{path} cannot be read: {error!r}; delete it, and give --protocol yourself"
        ) from error
