"""Token-level GRPO with information gain, without the Trainer: change any line of it."""

from __future__ import annotations

import gymnasium as gym
import torch

import igs_env  # noqa: F401 - registers the environments
from igs_agent.credit import make_estimator
from igs_agent.gains import measure_gains
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.loss import clipped_surrogate
from igs_agent.player import Player
from igs_agent.policy import load_policy
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import step_table, token_batch
from igs_agent.trained_tokens import trained_log_probs

shape = {"protocol": "plain", "top_k": 1, "max_searches": 3, "hops": [1, 2], "split": "train"}
gains = {"sampler": "other_questions", "scoring": "deferred"}  # by the policy, below
groups = {"num_envs": 16, "group_size": 8, "autoreset_mode": "Disabled"}
envs = gym.make_vec("IGSearchQA-v0", **shape, **gains, **groups)
policy = load_policy("tiny")
optimizer = torch.optim.AdamW(policy.model.parameters(), lr=1e-4)
estimator = make_estimator("ig_search")

for update in range(3):
    envs.reset(seed=update)
    player = Player(policy, NativeGenerator(policy), Sampling(max_tokens=40))
    while not all(episode.done for episode in envs.episodes):
        envs.step(player.act(envs.episodes))
    played = [player.trajectory(envs.task.rules, episode) for episode in envs.episodes]
    played = measure_gains(played, PolicyScorer(policy, played), envs.task.sampler)
    table = step_table(played)
    batch = token_batch(played, table, estimator(table))
    log_probs, trained = trained_log_probs(policy, batch, temperature=1.0)
    old, advantages = batch.old_log_probs[trained], batch.advantages[trained]
    loss = clipped_surrogate(log_probs, old, advantages).mean()
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    print(f"update {update}: reward {table.outcome.mean():.2f}, loss {loss.item():+.4f}")
