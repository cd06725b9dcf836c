"""A reward of your own: a function from a finished episode to a number."""

from __future__ import annotations

import gymnasium as gym

import igs_env  # noqa: F401 - registers the environments
from igs_env.rewards import em
from igs_env.types import Episode


def cheap_and_right(episode: Episode) -> float:
    """Exact match, less a tenth per search."""
    return em(episode) - 0.1 * episode.searches


env = gym.make("IGSearchQA-v0", reward=cheap_and_right)
env.reset(seed=1)
question = env.unwrapped.episode.question  # type: ignore[attr-defined]
env.step(f"<search>{question.text}</search>")
_, reward, *_ = env.step(f"<answer>{question.answers[0]}</answer>")
print("reward:", reward)
assert reward == 1.0 - 0.1
