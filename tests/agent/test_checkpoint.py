"""Checkpoints hold everything, are plain model folders, and damaged ones are passed over."""

from __future__ import annotations

import json
import random
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from small_policy import adamw, small_policy, train_a_little

from igs_agent.checkpoint import (
    CheckpointError,
    RunState,
    drop_old,
    load_checkpoint,
    newest_checkpoint,
    policy_source,
    save_checkpoint,
)
from igs_agent.policy import Policy, load_policy
from igs_agent.whole_folder import MANIFEST
from igs_env.errors import ConfigurationError


def state(update: int, best: float = 0.25) -> RunState:
    return RunState(
        update=update, best=best, without_improvement=1, offsets={"metrics.jsonl": 100 * update}
    )


def saved(folder: Path, update: int) -> Path:
    """A checkpoint of a policy that was trained for `update` steps."""
    policy = small_policy()
    optimizer = adamw(policy)
    for step in range(update):
        train_a_little(policy, optimizer, seed=step)
    path = folder / f"update-{update:06d}"
    save_checkpoint(path, policy, optimizer, state(update))
    return path


def parameters(policy: Policy) -> dict[str, torch.Tensor]:
    return {name: tensor.clone() for name, tensor in policy.model.state_dict().items()}


def assert_equal(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> None:
    assert first.keys() == second.keys()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_training_goes_on_bit_for_bit_as_if_it_had_not_stopped(tmp_path: Path) -> None:
    policy = small_policy()
    optimizer = adamw(policy)
    for step in (0, 1):
        train_a_little(policy, optimizer, seed=step)
    save_checkpoint(tmp_path / "update-000002", policy, optimizer, state(2))
    train_a_little(policy, optimizer, seed=2)

    other = small_policy(seed=9)
    resumed = adamw(other)
    found = load_checkpoint(tmp_path / "update-000002", other, resumed)
    train_a_little(other, resumed, seed=2)

    assert found == state(2)
    assert_equal(parameters(other), parameters(policy))
    assert other.model.lm_head.weight is other.model.model.embed_tokens.weight


def test_the_random_generators_go_on_where_they_were(tmp_path: Path) -> None:
    def draws() -> tuple[float, float, float, float]:
        gauss = float(np.random.standard_normal())  # noqa: NPY002 - the global one is meant
        return random.random(), random.gauss(0, 1), gauss, torch.rand(()).item()

    policy = small_policy()
    optimizer = adamw(policy)
    draws()  # an odd number of normal draws leaves one behind in NumPy's and Python's state
    save_checkpoint(tmp_path / "update-000000", policy, optimizer, state(0))
    expected = draws()
    draws()
    load_checkpoint(tmp_path / "update-000000", policy, optimizer)
    assert draws() == expected


def test_a_checkpoint_is_a_plain_model_folder(tmp_path: Path) -> None:
    policy = small_policy()
    path = tmp_path / "update-000000"
    save_checkpoint(path, policy, adamw(policy), state(0))
    loaded = load_policy(path, device="cpu")
    assert_equal(parameters(loaded), parameters(policy))
    assert loaded.encode("Who is it?") == policy.encode("Who is it?")
    assert loaded.eos_ids == policy.eos_ids
    config = json.loads((path / "config.json").read_text())
    assert config["architectures"] == ["LlamaForCausalLM"]


def test_the_optimiser_is_read_without_running_code(tmp_path: Path) -> None:
    path = saved(tmp_path, 1)
    training = torch.load(path / "training.pt", weights_only=True)
    assert training["optimizer"]["state"][0]["step"] == 1.0


def test_the_newest_checkpoint_is_found_by_its_number(tmp_path: Path) -> None:
    for update in (9, 10, 999_999, 1_000_000):
        policy = small_policy()
        save_checkpoint(tmp_path / f"update-{update:06d}", policy, adamw(policy), state(update))
    newest = newest_checkpoint(tmp_path)
    assert newest is not None
    assert newest.name == "update-1000000"


@pytest.mark.parametrize("folder", ["absent", "."])
def test_without_a_checkpoint_there_is_no_newest(tmp_path: Path, folder: str) -> None:
    assert newest_checkpoint(tmp_path / folder) is None


def _flip_a_bit(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))


DAMAGES: dict[str, Any] = {
    "a flipped bit of the weights": lambda path: _flip_a_bit(path / "model.safetensors"),
    "a flipped bit of the optimiser": lambda path: _flip_a_bit(path / "training.pt"),
    "a truncated state": lambda path: (path / "state.json").write_text('{"update": 2, "be'),
    "a missing file": lambda path: (path / "tokenizer.json").unlink(),
    "a truncated manifest": lambda path: (path / MANIFEST).write_text('{"a'),
    "an empty manifest": lambda path: (path / MANIFEST).write_text("{}"),
    "a manifest of another kind": lambda path: (path / MANIFEST).write_text("[1]"),
    "a manifest that is no text": lambda path: (path / MANIFEST).write_bytes(b"\xff\xfe"),
    "no manifest": lambda path: (path / MANIFEST).unlink(),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(
    tmp_path: Path, name: str, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = saved(tmp_path, 1), saved(tmp_path, 2)
    DAMAGES[name](bad)
    assert newest_checkpoint(tmp_path) == good
    assert f"skipping the checkpoint {bad}: " in caplog.text
    policy = small_policy()
    with pytest.raises(CheckpointError, match="update-000002 is damaged"):
        load_checkpoint(bad, policy, adamw(policy))


def test_a_half_written_checkpoint_is_none_and_the_next_save_clears_it(tmp_path: Path) -> None:
    good = saved(tmp_path, 1)
    shutil.copytree(good, tmp_path / "update-000002.partial")
    assert newest_checkpoint(tmp_path) == good
    saved(tmp_path, 3)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["update-000001", "update-000003"]


def test_a_checkpoint_that_stood_aside_while_it_was_replaced_is_still_found(tmp_path: Path) -> None:
    path = saved(tmp_path, 1)
    aside = path.rename(tmp_path / "update-000001.replaced")
    assert newest_checkpoint(tmp_path) == aside


def test_a_damaged_checkpoint_is_replaced_by_the_next_of_its_name(tmp_path: Path) -> None:
    path = saved(tmp_path, 1)
    _flip_a_bit(path / "model.safetensors")
    saved(tmp_path, 1)
    assert newest_checkpoint(tmp_path) == path
    assert [path.name for path in tmp_path.iterdir()] == ["update-000001"]


def test_the_same_state_is_not_written_twice(tmp_path: Path) -> None:
    path = saved(tmp_path, 1)
    before = path.stat().st_ino
    saved(tmp_path, 1)
    assert path.stat().st_ino == before


def test_only_the_newest_are_kept(tmp_path: Path) -> None:
    for update in (1, 2, 3):
        saved(tmp_path, update)
    drop_old(tmp_path, keep=2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["update-000002", "update-000003"]


def test_weights_of_another_model_are_refused(tmp_path: Path) -> None:
    path = saved(tmp_path, 1)
    from igs_agent.warmstart.tiny import new_tiny

    other = new_tiny(small_policy().tokenizer, width=128, layers=2, context=64)
    with pytest.raises(CheckpointError, match=r"does not fit the configuration: the weights in"):
        load_checkpoint(path, other, adamw(other))
    deeper = new_tiny(small_policy().tokenizer, width=64, layers=3, context=64)
    with pytest.raises(CheckpointError, match=r"are of another model than 'tiny'"):
        load_checkpoint(path, deeper, adamw(deeper))


def test_a_run_folder_stands_for_its_best_checkpoint_and_then_its_newest(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("")
    with pytest.raises(ConfigurationError, match="no checkpoint that could be used"):
        policy_source(str(tmp_path))
    newest = saved(tmp_path / "checkpoints", 2)
    assert policy_source(str(tmp_path)) == str(newest)
    best = saved(tmp_path / "best", 1)
    assert policy_source(str(tmp_path)) == str(best)
    assert policy_source("tiny") == "tiny"
    assert policy_source(str(best)) == str(best)
