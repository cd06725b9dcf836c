"""Networks, policies and collectors for the tests of the Tianshou adapter, all Tianshou's own."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.utils.net.common import Net
from tianshou.utils.net.discrete import DiscreteCritic

from igs_agent.adapters.tianshou import IGModulatedGRPO, NativeVectorEnv, macro_vector_env

LENGTH, ACTIONS = 259, 21
"""Of the single-hop preset's observations; its actions."""


def actor_policy(seed: int = 0) -> Any:
    torch.manual_seed(seed)
    np.random.seed(seed)  # noqa: NPY002 - Tianshou shuffles minibatches by it
    net = Net(state_shape=(LENGTH,), action_shape=ACTIONS, hidden_sizes=[32])
    return DiscreteActorPolicy(actor=net, action_space=macro_env_space(), deterministic_eval=True)


def macro_env_space() -> Any:
    return macro_vector_env(num_envs=1, sampler="none").single_action_space


def critic() -> Any:
    return DiscreteCritic(preprocess_net=Net(state_shape=(LENGTH,), hidden_sizes=[32]))


def adam(lr: float = 3e-3) -> Any:
    return AdamOptimizerFactory(lr=lr)


def grpo(policy: Any, **options: Any) -> Any:
    return IGModulatedGRPO(policy=policy, optim=adam(), **options)


def native(num_envs: int, group_size: int = 1, seed: int = 0, **options: Any) -> Any:
    envs = NativeVectorEnv(macro_vector_env(num_envs=num_envs, **options), group_size=group_size)
    envs.seed(seed)
    return envs


def collector(algorithm: Any, envs: Any, size: int = 4000) -> Any:
    return Collector(algorithm, envs, VectorReplayBuffer(size, len(envs)))


def collected(policy: Any, envs: Any, episodes: int) -> Any:
    """The buffer of so many episodes, with sampled actions."""
    found = collector(policy, envs)
    found.reset()
    policy.is_within_training_step = True
    found.collect(n_episode=episodes)
    policy.is_within_training_step = False
    return found.buffer


def quiet(**settings: Any) -> dict[str, Any]:
    return {"max_epochs": 1, "verbose": False, "show_progress": False, **settings}


def weights(algorithm: Any) -> torch.Tensor:
    return torch.cat([p.detach().flatten() for p in algorithm.policy.parameters()])
