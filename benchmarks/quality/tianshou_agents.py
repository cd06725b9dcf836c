"""Tianshou's algorithms as `benchmarks.quality.tianshou` trains them.

Unmodified, but for `IGModulatedGRPO`, which is this project's. Policies and values of PPO are
linear; DQN's have a hidden layer, as what an answer is worth depends on question and documents
together. What is set here is the same with and without the gain; see `docs/tianshou.md`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from tianshou.algorithm import DQN, PPO, Reinforce
from tianshou.algorithm.modelfree.dqn import DiscreteQLearningPolicy
from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.trainer import OffPolicyTrainerParams, OnPolicyTrainerParams
from tianshou.utils.net.common import Net
from tianshou.utils.net.discrete import DiscreteCritic

from igs_agent.adapters.tianshou import IGModulatedGRPO

HIDDEN: list[int] = []
GAMMA = 0.95
"""Below 1, so that values do not care for searches that bring nothing."""
DQN_GAMMA = 0.5
"""An answer before any search is invalid and costs a step: at .95 its value is all but that of a
search, and after 16,000 steps DQN still gave no valid answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spaces:
    """What networks are made for."""

    action_space: Any
    length: int
    """Of an observation."""

    @property
    def actions(self) -> int:
        return int(self.action_space.n)


@dataclass(frozen=True, slots=True, kw_only=True)
class Recipe:
    """How one algorithm is made and trained."""

    make: Callable[[Spaces, float, bool], Any]
    """(spaces, learning rate, with gain?) → algorithm."""
    learning_rate: float
    num_envs: int = 32
    group_size: int = 1
    gain_in_reward: bool = True
    """Else the algorithm reads the gain from the infos."""
    parameters: Callable[..., Any] = OnPolicyTrainerParams
    explore: Callable[[Any, float], None] = lambda algorithm, share: None
    """Called with the share of the steps that are done, before each collection."""
    schedule: dict[str, Any]


def actor(spaces: Spaces) -> Any:
    net = Net(state_shape=(spaces.length,), action_shape=spaces.actions, hidden_sizes=HIDDEN)
    return DiscreteActorPolicy(actor=net, action_space=spaces.action_space, deterministic_eval=True)


def ppo(spaces: Spaces, rate: float, gain: bool) -> Any:
    critic = DiscreteCritic(preprocess_net=Net(state_shape=(spaces.length,), hidden_sizes=HIDDEN))
    return PPO(
        policy=actor(spaces),
        critic=critic,
        optim=AdamOptimizerFactory(lr=rate),
        gamma=GAMMA,
        max_grad_norm=0.5,
    )


def reinforce(spaces: Spaces, rate: float, gain: bool) -> Any:
    return Reinforce(
        policy=actor(spaces),
        optim=AdamOptimizerFactory(lr=rate),
        gamma=GAMMA,
        return_standardization=True,
    )


def dqn(spaces: Spaces, rate: float, gain: bool) -> Any:
    policy = DiscreteQLearningPolicy(
        model=Net(state_shape=(spaces.length,), action_shape=spaces.actions, hidden_sizes=[512]),
        action_space=spaces.action_space,
        eps_training=1.0,
    )
    return DQN(
        policy=policy,
        optim=AdamOptimizerFactory(lr=rate),
        gamma=DQN_GAMMA,
        target_update_freq=100,
    )


def annealed(algorithm: Any, share: float) -> None:
    """ε of DQN's random actions from 1 to .1 over the first third, as Tianshou's scripts do."""
    algorithm.policy.set_eps_training(max(0.1, 1.0 - 2.7 * share))


def grpo(spaces: Spaces, rate: float, gain: bool) -> Any:
    return IGModulatedGRPO(
        policy=actor(spaces),
        optim=AdamOptimizerFactory(lr=rate),
        estimator="ig_search" if gain else "grpo",
        max_grad_norm=0.5,
    )


RECIPES: dict[str, Recipe] = {
    "PPO": Recipe(
        make=ppo,
        learning_rate=3e-2,
        schedule={
            "collection_step_num_env_steps": 1024,
            "update_step_num_repetitions": 8,
            "batch_size": 256,
        },
    ),
    "DQN": Recipe(
        make=dqn,
        learning_rate=1e-3,
        parameters=OffPolicyTrainerParams,
        explore=annealed,
        schedule={
            "collection_step_num_env_steps": 128,
            "update_step_num_gradient_steps_per_sample": 0.25,
            "batch_size": 128,
        },
    ),
    "Reinforce": Recipe(
        make=reinforce,
        learning_rate=3e-2,
        schedule={
            "collection_step_num_env_steps": 1024,
            "update_step_num_repetitions": 1,
            "batch_size": 256,
        },
    ),
    "IGModulatedGRPO": Recipe(
        make=grpo,
        learning_rate=3e-2,
        num_envs=256,
        group_size=8,
        gain_in_reward=False,
        schedule={
            "collection_step_num_env_steps": None,
            "collection_step_num_episodes": 256,
            "update_step_num_repetitions": 8,
            "batch_size": 256,
        },
    ),
}
"""Name → recipe."""
