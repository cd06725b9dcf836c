"""Tianshou's PPO, unmodified, on discrete actions and vectors; the gain is part of the reward."""

from __future__ import annotations

import numpy as np
import torch
from tianshou.algorithm import PPO
from tianshou.algorithm.modelfree.reinforce import DiscreteActorPolicy
from tianshou.algorithm.optim import AdamOptimizerFactory
from tianshou.data import Collector, VectorReplayBuffer
from tianshou.trainer import OnPolicyTrainerParams
from tianshou.utils.net.common import Net
from tianshou.utils.net.discrete import DiscreteCritic

from igs_agent.adapters.tianshou import NativeVectorEnv, macro_vector_env

torch.manual_seed(0)
np.random.seed(0)  # noqa: NPY002 - Tianshou draws minibatches by it
inner = macro_vector_env("single-hop", num_envs=16, beta=0.1)
envs = NativeVectorEnv(inner)  # one retrieval and one scoring call per step of all 16
envs.seed(0)
length, actions = inner.single_observation_space.shape[0], inner.single_action_space
net = Net(state_shape=(length,), action_shape=int(actions.n), hidden_sizes=[64])
critic = DiscreteCritic(preprocess_net=Net(state_shape=(length,), hidden_sizes=[64]))
ppo = PPO(
    policy=DiscreteActorPolicy(actor=net, action_space=actions),
    critic=critic,
    optim=AdamOptimizerFactory(lr=1e-2),
)
collector = Collector(ppo, envs, VectorReplayBuffer(2048, len(envs)))
result = ppo.run_training(
    OnPolicyTrainerParams(
        training_collector=collector,
        max_epochs=1,
        epoch_num_steps=2048,  # seconds; docs/tianshou.md says what longer runs reach
        collection_step_num_env_steps=512,
        update_step_num_repetitions=4,
        verbose=False,
        show_progress=False,
    )
)
print(f"{result.train_step} steps, {result.train_episode} episodes, {result.update_step} updates")
assert result.train_step == 2048
