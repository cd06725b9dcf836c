"""The small made-up world of the agent's tests."""

from __future__ import annotations

from typing import Any

from igs_env.task import Task, make_task

WORLD = "fiction:documents=500,facts=1,words=0,hops=1-2"


def small_task(protocol: str = "plain", **options: Any) -> Task:
    return make_task(
        **{
            "questions": WORLD,
            "corpus": WORLD,
            "protocol": protocol,
            "top_k": 2,
            "max_searches": 2,
            "sampler": "none",
            **options,
        }
    )
