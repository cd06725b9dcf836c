"""Many episodes at once, in groups that share a question, reset by mask."""

from __future__ import annotations

import gymnasium as gym
import numpy as np

import igs_env  # noqa: F401 - registers the environments

envs = gym.make_vec("IGSearchQA-v0", num_envs=8, group_size=4, autoreset_mode="Disabled")
prompts, infos = envs.reset(seed=0)
print("groups:", sorted(set(infos["group_id"])))

for turn in range(2):
    # A policy would write these. Half of the rollouts search, the other half give up at once.
    actions = tuple(
        f"<search>{envs.unwrapped.episodes[i].question.metadata['queries'][0]}</search>"
        if turn == 0 and i % 2 == 0
        else "<answer>no idea</answer>"
        for i in range(envs.num_envs)
    )
    texts, rewards, terminated, truncated, infos = envs.step(actions)
    gains = infos["information_gain"][infos["information_gain_valid"]]
    print(f"turn {turn}: {terminated.sum()} over, gains {np.round(gains, 2).tolist()}")

over = terminated | truncated
assert over.all()
prompts, infos = envs.reset(options={"reset_mask": over})
