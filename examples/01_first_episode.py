"""One episode by hand: reset, search, answer, and what the search was worth."""

from __future__ import annotations

import gymnasium as gym

import igs_env  # registers the environments
from igs_env.types import Question

env = gym.make("IGSearchQA-v0", render_mode="ansi")
prompt, info = env.reset(seed=0)
print(prompt)

question: Question = env.unwrapped.episode.question  # type: ignore[attr-defined]
for query in question.metadata["queries"]:  # the embedded worlds know a good query per hop
    text, reward, terminated, truncated, info = env.step(f"<search>{query}</search>")
    assert info["information_gain_valid"]
    print(f"{query!r}: gain {info['information_gain']:+.2f} nats per answer token")

_, reward, terminated, _, info = env.step(f"<answer>{question.answers[0]}</answer>")
print(env.render())
assert (reward, terminated) == (1.0, True)
print("environments:", ", ".join(igs_env.ENVIRONMENTS))
