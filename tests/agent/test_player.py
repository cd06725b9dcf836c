"""A player behind a Gymnasium environment gives the same tokens as a rollout."""

from __future__ import annotations

import numpy as np
from small_policy import small_policy, small_searcher, small_task

from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.player import Player
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.trajectory import Trajectory
from igs_env.env import SearchEnv
from igs_env.vector import SearchVectorEnv


def _play(envs: SearchVectorEnv, policy: Policy, max_tokens: int = 32) -> list[Trajectory]:
    player = Player(policy, NativeGenerator(policy), Sampling(max_tokens=max_tokens))
    while not all(episode.done for episode in envs.episodes):
        envs.step(player.act(envs.episodes))
    return [player.trajectory(envs.task.rules, episode) for episode in envs.episodes]


def test_the_vector_environment_and_a_rollout_give_the_same_tokens() -> None:
    task, policy = small_task(), small_searcher()
    envs = SearchVectorEnv(num_envs=6, group_size=3, autoreset_mode="Disabled", task=task)
    questions = task.questions[:2]
    envs.reset(seed=5, options={"questions": questions})
    seeds = [envs.episodes[0].seed, envs.episodes[3].seed]
    by_hand = _play(envs, policy)
    plan = RolloutPlan(questions=questions, group_size=3, seed=5)
    rolled = rollout(task.rules, policy, NativeGenerator(policy), plan, Sampling(max_tokens=32))
    # Only the keys of the draws differ: with a rollout's own seeds nothing does.
    assert seeds != [rolled[0].episode.seed, rolled[3].episode.seed]
    assert [t.token_ids.tolist()[:8] for t in by_hand] == [t.token_ids.tolist()[:8] for t in rolled]
    assert [t.episode.question for t in by_hand] == [t.episode.question for t in rolled]
    assert all(t.reward == envs.task.rules.reward(t.episode) for t in by_hand)


def test_greedily_they_agree_token_by_token() -> None:
    task, policy = small_task(), small_searcher()
    envs = SearchVectorEnv(num_envs=2, task=task, autoreset_mode="Disabled")
    questions = task.questions[:2]
    envs.reset(seed=5, options={"questions": questions})
    player = Player(policy, NativeGenerator(policy), Sampling(max_tokens=32, temperature=0))
    while not all(episode.done for episode in envs.episodes):
        envs.step(player.act(envs.episodes))
    by_hand = [player.trajectory(task.rules, episode) for episode in envs.episodes]
    plan = RolloutPlan(questions=questions, group_size=1, seed=0)
    greedy = Sampling(max_tokens=32, temperature=0)
    rolled = rollout(task.rules, policy, NativeGenerator(policy), plan, greedy)
    for one, other in zip(by_hand, rolled, strict=True):
        assert np.array_equal(one.token_ids, other.token_ids)
        assert one.turns == other.turns


def test_a_single_environment_is_played_too() -> None:
    policy = small_searcher()
    env = SearchEnv(task=small_task())
    env.reset(seed=3)
    player = Player(policy, NativeGenerator(policy), Sampling(max_tokens=32))
    while not env.episode.done:
        env.step(player.act([env.episode])[0])
    trajectory = player.trajectory(small_task().rules, env.episode)
    assert len(trajectory.turns) == len(env.episode.steps)
    assert policy.decode(trajectory.token_ids.tolist()) == env.episode.transcript


def test_an_episode_that_no_longer_fits_keeps_the_steps_that_the_policy_took() -> None:
    policy = small_policy(context=160)
    envs = SearchVectorEnv(num_envs=2, task=small_task(), autoreset_mode="Disabled")
    envs.reset(seed=0)
    trajectories = _play(envs, policy, max_tokens=40)
    assert all(t.overflowed and t.truncated for t in trajectories)
    for trajectory, episode in zip(trajectories, envs.episodes, strict=True):
        assert 0 < len(trajectory.turns) == len(trajectory.episode.steps) < len(episode.steps)
        assert len(trajectory.token_ids) <= 160
        assert trajectory.turns[-1].end == len(trajectory.token_ids)
