"""`IGModulatedGRPO`: our credit on Tianshou's transitions, and Tianshou's own update with it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import gymnasium as gym
import numpy as np
import pytest
import torch
from tianshou.algorithm import PPO
from tianshou.data import Batch, Collector, VectorReplayBuffer
from tianshou.env import DummyVectorEnv
from tianshou.trainer import OnPolicyTrainerParams
from tianshou.utils.torch_utils import policy_within_training_step
from tianshou_parts import (
    actor_policy,
    adam,
    collected,
    collector,
    critic,
    grpo,
    native,
    quiet,
    weights,
)

from igs_agent.adapters.tianshou.table import transitions
from igs_agent.credit import make_estimator
from igs_env.errors import ConfigurationError, RetrievalError
from igs_env.types import Document


def made(
    *episodes: tuple[str, float, Sequence[tuple[str, float | None]]], failed: Sequence[int] = ()
) -> Batch:
    """Episodes of (group, reward, steps); a step is (action, gain or None)."""
    rows = [
        {
            "obs": np.array([column], dtype=np.float32),
            "rew": reward * (column + 1 == len(steps)),
            "done": column + 1 == len(steps),
            "info": {
                "group_id": group,
                "action": action,
                "information_gain": gain or 0.0,
                "information_gain_valid": gain is not None,
                "retrieval_failed": number in failed,
            },
        }
        for number, (group, reward, steps) in enumerate(episodes)
        for column, (action, gain) in enumerate(steps)
    ]
    return Batch(rows)


TWO_GROUPS = (
    ("a", 1.0, [("search", 1.0), ("answer", None)]),
    ("a", 0.0, [("search", None), ("search", -1.0), ("answer", None)]),
    ("b", 0.0, [("answer", None)]),
    ("b", 0.0, [("search", 0.5), ("invalid", None)]),
)


def test_an_action_gets_its_episodes_advantage_and_a_search_its_gain() -> None:
    played = transitions(made(*TWO_GROUPS))
    credit = make_estimator("ig_search", {"epsilon": 1e-12})(played.table)
    won = (1 - 0.5) / 0.5**0.5
    shrunk = 0.1 * -1.0
    expected = [won + 0.3 * 1.0, won, -won, -won + 0.3 * shrunk, -won, 0, 0.3 * 0.5, 0]
    np.testing.assert_allclose(played.advantages(credit), expected, atol=1e-9)


def test_the_table_has_a_row_per_episode_and_numbers_observations_within_groups() -> None:
    table = transitions(made(*TWO_GROUPS)).table
    assert table.group.tolist() == [0, 0, 1, 1]
    assert table.outcome.tolist() == [1, 0, 0, 0]
    assert table.valid.sum(1).tolist() == [2, 3, 1, 2]
    assert table.query_length.tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 0], [1, 0, 0]]
    assert table.observation.tolist() == [[1, 2, 0], [1, 2, 3], [4, 0, 0], [4, 5, 0]]


def test_rewards_within_an_episode_are_part_of_its_outcome() -> None:
    batch = made(*TWO_GROUPS)
    batch.rew = batch.rew + 0.25
    assert transitions(batch).table.outcome.tolist() == [1.5, 0.75, 0.25, 0.5]


def test_an_episode_whose_retrieval_failed_does_not_count() -> None:
    played = transitions(made(*TWO_GROUPS, failed=[0]))
    credit = make_estimator("ig_search")(played.table)
    assert played.table.outcome_valid.tolist() == [False, True, True, True]
    assert played.counted.tolist() == [False] * 2 + [True] * 6
    advantages = played.advantages(credit)
    assert advantages[:3].tolist() == [0, 0, 0]
    assert advantages[3].item() == pytest.approx(0.3 * 0.1 * -1.0)


class Unreachable:
    """A retriever that never answers."""

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        raise RetrievalError("connection refused")


def test_episodes_that_do_not_count_leave_the_policy_as_it_is() -> None:
    policy = always(actor_policy(), action=0)
    envs = native(4, group_size=2, retriever=Unreachable(), sampler="none")
    algorithm = grpo(policy, ent_coef=0.5)
    before = weights(algorithm)
    stats = updated(algorithm, collected(policy, envs, episodes=4))
    assert stats.loss == 0
    assert torch.equal(weights(algorithm), before)


def always(policy: Any, action: int) -> Any:
    """The policy with one action nearly certain."""
    with torch.no_grad():
        list(policy.parameters())[-1][action] = 20.0
    return policy


def updated(algorithm: Any, buffer: Any, batch_size: int | None = None, repeat: int = 1) -> Any:
    with policy_within_training_step(algorithm.policy):
        return algorithm.update(buffer, batch_size, repeat)


def test_with_our_advantages_the_update_is_that_of_tianshous_ppo() -> None:
    envs = native(16, group_size=4)
    buffer = collected(actor_policy(), envs, episodes=16)
    ours = grpo(actor_policy(), clip_low=0.1, clip_high=0.1, ent_coef=0.02)
    theirs = PPO(
        policy=actor_policy(),
        critic=critic(),
        optim=adam(),
        eps_clip=0.1,
        ent_coef=0.02,
        vf_coef=0.0,
        advantage_normalization=False,
    )
    prepared = ours._preprocess_batch(buffer.sample(0)[0], buffer, buffer.sample(0)[1])
    assert prepared.adv.abs().max() > 0
    given = Batch({**prepared, "returns": prepared.adv, "v_s": prepared.adv})
    for algorithm, batch in ((ours, prepared), (theirs, given)):
        np.random.seed(0)  # noqa: NPY002 - Tianshou shuffles minibatches by it
        algorithm._update_with_batch(batch, batch_size=16, repeat=5)
    ratio = (ours.policy(prepared).dist.log_prob(prepared.act) - prepared.logp_old).exp()
    assert ((ratio - 1).abs() > 0.1).any(), "nothing was clipped"
    torch.testing.assert_close(weights(ours), weights(theirs), rtol=0, atol=1e-6)


def trained(steps: int = 150, seed: int = 0, **options: Any) -> tuple[torch.Tensor, Any]:
    """(weights, result) of training in groups of four from a new policy."""
    environment = {k: options.pop(k) for k in ("sampler", "reward") if k in options}
    algorithm = grpo(actor_policy(seed), **options)
    envs = native(8, group_size=4, seed=seed, **environment)
    result = algorithm.run_training(
        OnPolicyTrainerParams(
            training_collector=collector(algorithm, envs),
            collection_step_num_env_steps=None,
            collection_step_num_episodes=8,
            epoch_num_steps=steps,
            update_step_num_repetitions=2,
            batch_size=32,
            **quiet(),
        )
    )
    return weights(algorithm), result


def test_the_same_seed_trains_the_same_weights_and_another_seed_others() -> None:
    first, again, other = trained(seed=0), trained(seed=0), trained(seed=1)
    assert torch.equal(first[0], again[0])
    assert not torch.equal(first[0], other[0])
    assert first[1].train_step >= 150


def test_without_weight_or_without_measured_gains_it_is_grpo_exactly() -> None:
    plain = trained(estimator="grpo")[0]
    assert torch.equal(plain, trained(estimator_options={"alpha": 0.0})[0])
    assert not torch.equal(plain, trained()[0])
    unmeasured = trained(estimator="grpo", sampler="none")[0]
    assert torch.equal(unmeasured, trained(sampler="none")[0])


def nothing(episode: Any) -> float:
    """A reward that no episode earns."""
    return 0.0


def test_where_all_fail_only_the_gain_moves_the_policy() -> None:
    before = weights(grpo(actor_policy(0)))
    still = trained(estimator="grpo", ent_coef=0.0, reward=nothing)[0]
    assert torch.equal(still, before)
    assert not torch.equal(trained(ent_coef=0.0, reward=nothing)[0], before)


def test_statistics_are_those_of_the_episodes() -> None:
    policy = actor_policy()
    buffer = collected(policy, native(8, group_size=4), episodes=8)
    stats = updated(grpo(policy), buffer, batch_size=8, repeat=3)
    batch = buffer[:]
    valid = batch.info.information_gain_valid
    assert stats.gain == pytest.approx(batch.info.information_gain[valid].mean())
    assert stats.outcome == batch.rew.sum() / 8
    assert stats.gradient_steps == 3 * (len(batch) // 8)
    assert 0 < stats.entropy <= np.log(21)
    assert stats.all_fail_share + stats.all_pass_share <= 1


@pytest.mark.parametrize("name", ["gigpo", "rloo", "dr_grpo", "placebo", "query_only"])
def test_other_estimators_of_outcome_and_gain_train_too(name: str) -> None:
    policy = actor_policy()
    buffer = collected(policy, native(8, group_size=4), episodes=8)
    algorithm = grpo(policy, estimator=name)
    before = weights(algorithm)
    assert np.isfinite(updated(algorithm, buffer).loss)
    assert not torch.equal(weights(algorithm), before)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"estimator": "grop"}, "did you mean 'grpo'"),
        ({"estimator_options": {"alhpa": 1}}, "did you mean 'alpha'"),
        ({"estimator": "oracle"}, "reads found_gold, and Tianshou's infos tell only gain"),
        ({"estimator": "mt_grpo"}, "reads answer_in_documents, and"),
        ({"estimator": "igpo"}, "igs_agent.trainer measures the others"),
    ],
)
def test_an_estimator_that_cannot_be_had_is_said(options: dict[str, Any], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        grpo(actor_policy(), **options)


def test_collections_of_steps_are_refused_as_their_episodes_are_not_over() -> None:
    policy = actor_policy()
    envs = native(4, group_size=2, sampler="none")
    found = collector(policy, envs)
    found.reset()
    found.collect(n_step=4)
    with pytest.raises(ConfigurationError, match="train with collection_step_num_episodes"):
        updated(grpo(policy), found.buffer)
    batch = made(*TWO_GROUPS)
    with pytest.raises(ConfigurationError, match="without its end"):
        transitions(batch[:-1])
    batch.done[1] = False
    batch.info.group_id[2:5] = "c"
    with pytest.raises(ConfigurationError, match="without its end"):
        transitions(batch)


def test_a_full_buffer_is_refused_as_beginnings_may_be_lost() -> None:
    policy = actor_policy()
    found = collector(policy, native(4, group_size=2, sampler="none"), size=8)
    found.reset()
    found.collect(n_episode=8)
    with pytest.raises(ConfigurationError, match=r"full at 8 transitions.+greater total_size"):
        updated(grpo(policy), found.buffer)


def test_episodes_without_groups_are_refused() -> None:
    policy = actor_policy()
    buffer = collected(policy, native(4, sampler="none"), episodes=4)
    with pytest.raises(ConfigurationError, match="give NativeVectorEnv a group_size of 2"):
        updated(grpo(policy), buffer)


def test_another_environments_episodes_are_refused() -> None:
    envs = DummyVectorEnv([lambda: gym.make("CartPole-v1")])
    found = Collector(actor_policy(), envs, VectorReplayBuffer(500, 1))
    found.reset()
    found.collect(n_episode=1, random=True)
    with pytest.raises(ConfigurationError, match=r"lack group_id, action.*collect in igs_env's"):
        transitions(found.buffer[:])
