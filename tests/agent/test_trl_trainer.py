"""TRL's trainer: exact tokens, advantages per token, and its own loss on them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from trl import GRPOTrainer
from trl_parts import atlas, fresh_policy, one_batch, settings, trainer_of, weights

from igs_agent.adapters.trl import IGGRPOTrainer, question_dataset
from igs_agent.adapters.trl.completions import completion_advantages, completions
from igs_agent.adapters.trl.trainer import episode_reward, starts
from igs_agent.config import CreditConfig, LossConfig, OptimConfig
from igs_agent.update import update_policy

pytestmark = [
    pytest.mark.filterwarnings("ignore:You are using 'rollout_func'"),
    pytest.mark.filterwarnings("ignore::FutureWarning"),
]


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> tuple[IGGRPOTrainer, dict[str, Any]]:
    """(a trainer with α = 0.3 after one round, TRL's batch of that round)."""
    trainer = trainer_of(settings(tmp_path_factory.mktemp("trl")))
    return trainer, one_batch(trainer)


def test_prompts_and_completions_are_the_sampled_tokens_and_only_the_policys_are_trained(
    played: tuple[IGGRPOTrainer, dict[str, Any]],
) -> None:
    trainer, batch = played
    assert trainer.round is not None
    for row, trajectory in enumerate(trainer.round.trajectories):
        prompt = batch["prompt_ids"][row][batch["prompt_mask"][row].bool()]
        real = batch["completion_mask"][row].bool()
        ids = torch.cat([prompt, batch["completion_ids"][row][real]])
        assert ids.tolist() == trajectory.token_ids.tolist()
        trained = (batch["completion_mask"] * batch["tool_mask"])[row][real]
        assert [0] * len(prompt) + trained.tolist() == trajectory.is_policy.astype(int).tolist()
    assert int(batch["num_items_in_batch"]) == int(trainer.round.batch.trained.sum())


def test_query_tokens_have_the_gain_on_top_of_the_advantage_of_the_rest(
    played: tuple[IGGRPOTrainer, dict[str, Any]],
) -> None:
    trainer, batch = played
    assert trainer.round is not None
    estimator, gain = trainer._player.estimator, trainer.round.table.signal("gain")
    searches = 0
    for row, trajectory in enumerate(trainer.round.trajectories):
        base = trainer.round.credit.step[row, 0].item()
        first = starts(trainer.round)[row]
        advantages = batch["advantages"][row]
        for step, turn in enumerate(trajectory.turns):
            inside = slice(turn.query[0] - first, turn.query[1] - first)
            output = advantages[turn.start - first : turn.end - first].tolist()
            added = advantages[inside].tolist()
            rest = output[: turn.query[0] - turn.start] + output[turn.query[1] - turn.start :]
            assert rest == pytest.approx([base] * len(rest), abs=1e-6)
            if not bool(gain.valid[row, step]):
                continue
            stabilised = estimator.stabilised(gain.values[row, step]).item()
            expected = base + 0.3 * stabilised / len(added)
            assert added == pytest.approx([expected] * len(added), abs=1e-6)
            searches += stabilised != 0
    assert searches > 5


def test_with_credit_grpo_the_advantages_are_trls_own(
    played: tuple[IGGRPOTrainer, dict[str, Any]], tmp_path: Path
) -> None:
    ours = one_batch(trainer_of(settings(tmp_path), credit=CreditConfig(name="grpo")))
    theirs = one_batch(trainer_of(settings(tmp_path), credit=None))
    assert torch.equal(ours["completion_ids"], theirs["completion_ids"])
    assert theirs["advantages"].shape == (16,)
    assert len(set(theirs["advantages"].tolist())) > 2
    trained = (ours["completion_mask"] * ours["tool_mask"]).bool()
    expected = theirs["advantages"][:, None].expand_as(trained)
    assert torch.equal(ours["advantages"][trained], expected[trained])
    assert (ours["advantages"][~trained] == 0).all()


def test_without_weight_on_the_gain_training_is_trls_own_bit_for_bit(tmp_path: Path) -> None:
    settled = {"max_steps": 2, "gradient_accumulation_steps": 2, "per_device_train_batch_size": 4}
    rounds: list[dict[str, list[Any]]] = []
    ours = trainer_of(
        settings(tmp_path, **settled),
        credit=CreditConfig(options={"alpha": 0.0}, counterfactuals=1),
    )
    rollout = ours.rollout_func

    def recorded(prompts: list[str], trainer: Any) -> dict[str, list[Any]]:
        rounds.append(rollout(prompts, trainer))
        return dict(rounds[-1])

    ours.rollout_func = recorded
    ours.train()
    waiting = iter(rounds)
    policy = fresh_policy()
    theirs = GRPOTrainer(
        model=policy.model,
        reward_funcs=[episode_reward],
        args=settings(tmp_path, **settled),
        train_dataset=question_dataset(atlas()),
        processing_class=policy.tokenizer,
        rollout_func=lambda prompts, trainer: dict(next(waiting)),
    )
    before = weights(theirs).clone()
    theirs.train()
    assert len(rounds) == 2
    assert not torch.equal(weights(theirs), before)
    assert torch.equal(weights(ours), weights(theirs))


def test_loss_and_gradients_are_those_of_this_projects_trainer(
    played: tuple[IGGRPOTrainer, dict[str, Any]],
) -> None:
    trainer, batch = played
    assert trainer.round is not None
    trainer.model.train()
    trainer.current_gradient_accumulation_steps = 1  # what transformers sets before a step
    trainer.model.zero_grad()
    loss = trainer._compute_loss(trainer.model, batch)
    loss.backward()
    theirs = torch.cat([p.grad.flatten() for p in trainer.model.parameters()])
    policy = fresh_policy()
    before = torch.cat([p.detach().flatten() for p in policy.model.parameters()]).clone()
    stats = update_policy(
        policy,
        torch.optim.SGD(policy.model.parameters(), lr=1.0),
        trainer.round.rounded_as(torch.zeros(16)),
        LossConfig(),
        OptimConfig(max_grad_norm=1e9),
        temperature=1.0,
        groups=[0] * 16,
    )
    ours = before - torch.cat([p.detach().flatten() for p in policy.model.parameters()])
    assert abs(stats.loss - loss.item()) < 1e-5
    assert theirs.abs().max() > 0.01
    assert (ours - theirs).abs().max() < 1e-5


def test_training_changes_the_policy_evaluates_and_reports_the_gain(tmp_path: Path) -> None:
    args = settings(
        tmp_path,
        max_steps=1,
        num_iterations=1,
        eval_strategy="steps",
        eval_steps=1,
        per_device_eval_batch_size=4,
        num_generations_eval=2,
    )
    dev = atlas("dev")
    trainer = trainer_of(args, eval_task=replace(dev, questions=dev.questions[:2]))
    before = weights(trainer).clone()
    trainer.train()
    assert not torch.equal(weights(trainer), before)
    logged = {name for entry in trainer.state.log_history for name in entry}
    assert {"rollout/searches", "gain/mean", "eval_rollout/f1", "eval_reward"} <= logged
    asked = {t.episode.question.id for t in trainer.round.trajectories}  # type: ignore[union-attr]
    assert asked == {question.id for question in dev.questions[:2]}


def test_a_truncated_or_failed_rollout_has_no_reward_and_no_trained_token(tmp_path: Path) -> None:
    trainer = trainer_of(settings(tmp_path, mask_truncated_completions=True), max_tokens=6)
    batch = one_batch(trainer)
    assert trainer.round is not None
    cut = [t.truncated for t in trainer.round.trajectories]
    assert any(cut)
    assert [reward is None for reward in trainer.round.rewards] == cut
    trained = (batch["completion_mask"] * batch["tool_mask"]).sum(dim=1)
    assert [count == 0 for count in trained.tolist()] == cut


def test_tokens_that_trl_changed_are_seen(
    played: tuple[IGGRPOTrainer, dict[str, Any]],
) -> None:
    trainer, batch = played
    assert trainer.round is not None
    ids = batch["completion_ids"].clone()
    ids[3, 0] += 1
    with pytest.raises(ValueError, match=r"completion 3 is no longer the tokens.*pip install"):
        completion_advantages(trainer.round.batch, starts(trainer.round), ids)


def test_an_episode_without_a_turn_has_one_token_that_is_not_trained(tmp_path: Path) -> None:
    trainer = trainer_of(settings(tmp_path), max_tokens=fresh_policy().context_length)
    batch = one_batch(trainer)
    played = trainer.round
    assert played is not None
    assert all(not t.turns for t in played.trajectories)
    assert batch["completion_ids"].shape == (16, 1)
    assert int(batch["tool_mask"].sum()) == 0
    found = completions(played.batch, starts(played), played.rewards)
    assert found["prompt_ids"][0] + found["completion_ids"][0] == list(
        played.trajectories[0].token_ids
    )
