"""What a policy scores on dev questions before and after its warm start."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from igs_agent.evaluation import evaluate
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import Policy
from igs_agent.run import subset
from igs_env.task import make_task

MAX_TOKENS = 64
"""Per turn."""
COLUMNS = ("exact_match", "f1", "recall", "valid_actions", "searches")


def judged(
    policy: Policy,
    *,
    env: Mapping[str, Any],
    questions: int,
    when: str,
    log: Callable[[str], None],
    kept: Path | None = None,
) -> dict[str, object]:
    """`when` → column → mean, low, high of greedy episodes on dev questions, and a line for `log`.

    Args:
        policy: plays.
        env: keyword arguments of the environment; its split does not matter.
        questions: how many, the same for every policy; 0: nothing is played.
        when: `before` or `after`.
        log: takes the line.
        kept: file that holds the scores of a warm start that was interrupted.
    """
    if not questions:
        return {}
    if kept is not None and kept.is_file():
        return {when: json.loads(kept.read_text(encoding="utf-8"))}
    task = make_task(**{**dict(env), "split": "dev", "sampler": "none"})
    asked = subset(task.questions, questions)
    found = evaluate(
        task.rules, policy, NativeGenerator(policy), asked, max_tokens=MAX_TOKENS, max_rows=32
    )
    intervals = {name: found.interval(name) for name in COLUMNS}
    known = {name: each for name, each in intervals.items() if each.n}
    log(f"{when}, on dev: {', '.join(f'{name} {each}' for name, each in known.items())}")
    scores = {name: [each.mean, each.low, each.high] for name, each in known.items()}
    if kept is not None:
        kept.write_text(json.dumps(scores), encoding="utf-8")
    return {when: scores}
