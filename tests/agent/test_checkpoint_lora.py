"""Checkpoints of LoRA runs: merged for whoever evaluates, exact for whoever goes on."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_policy import adamw, small_policy, train_a_little

from igs_agent.checkpoint import CheckpointError, RunState, load_checkpoint, save_checkpoint
from igs_agent.config import PolicyConfig
from igs_agent.policy import Policy, load_policy
from igs_agent.preparation import prepare_policy

STATE = RunState(update=1, best=0.0, without_improvement=0, offsets={})


def adapted() -> Policy:
    return prepare_policy(small_policy(), PolicyConfig(lora_rank=2))


def logits(policy: Policy) -> torch.Tensor:
    ids = torch.tensor([policy.encode("Who directed it?")])
    with torch.no_grad():
        return policy.logits(policy.hidden_states(input_ids=ids)[0])


def test_an_adapter_goes_on_bit_for_bit(tmp_path: Path) -> None:
    policy = adapted()
    optimizer = adamw(policy)
    train_a_little(policy, optimizer, seed=0)
    before = {name: tensor.clone() for name, tensor in policy.model.state_dict().items()}
    save_checkpoint(tmp_path / "update-000001", policy, optimizer, STATE)
    after = policy.model.state_dict()
    assert all(torch.equal(before[name], after[name]) for name in before), "saving changed weights"

    other = adapted()
    resumed = adamw(other)
    assert not torch.equal(logits(other), logits(policy))
    load_checkpoint(tmp_path / "update-000001", other, resumed)
    assert torch.equal(logits(other), logits(policy))
    for p, o in ((policy, optimizer), (other, resumed)):
        train_a_little(p, o, seed=1)
    assert torch.equal(logits(other), logits(policy))


def test_the_folder_holds_the_merged_model(tmp_path: Path) -> None:
    policy = adapted()
    optimizer = adamw(policy)
    train_a_little(policy, optimizer, seed=0)
    save_checkpoint(tmp_path / "update-000001", policy, optimizer, STATE)
    merged = load_policy(tmp_path / "update-000001", device="cpu")
    assert sum("lora" in name for name in merged.model.state_dict()) == 0
    torch.testing.assert_close(logits(merged), logits(policy), rtol=0, atol=1e-5)
    difference = (logits(small_policy()) - logits(policy)).abs().max()
    assert difference > 1e-3, "the adapter did nothing: the comparison above shows nothing"


def test_lora_and_full_training_do_not_go_on_from_each_other(tmp_path: Path) -> None:
    policy = adapted()
    save_checkpoint(tmp_path / "update-000001", policy, adamw(policy), STATE)
    full = small_policy()
    with pytest.raises(CheckpointError, match="written with LoRA and cannot go on without it"):
        load_checkpoint(tmp_path / "update-000001", full, adamw(full))
    save_checkpoint(tmp_path / "update-000002", full, adamw(full), STATE)
    with pytest.raises(CheckpointError, match="written without LoRA and cannot go on with it"):
        load_checkpoint(tmp_path / "update-000002", policy, adamw(policy))


def test_another_rank_is_refused(tmp_path: Path) -> None:
    policy = adapted()
    save_checkpoint(tmp_path / "update-000001", policy, adamw(policy), STATE)
    other = prepare_policy(small_policy(), PolicyConfig(lora_rank=3))
    with pytest.raises(CheckpointError, match="of another model"):
        load_checkpoint(tmp_path / "update-000001", other, adamw(other))
