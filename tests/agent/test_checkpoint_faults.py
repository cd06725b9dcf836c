"""Full disks and folders that cannot be written: a clear end, and nothing lost."""

from __future__ import annotations

from pathlib import Path

import pytest
from faults import folder_of_an_ordinary_user, no_file_larger_than, read_only
from small_policy import adamw, small_policy

from igs_agent.checkpoint import CheckpointError, RunState, newest_checkpoint, save_checkpoint


def save(folder: Path, update: int) -> None:
    policy = small_policy()
    state = RunState(update=update, best=0.0, without_improvement=0, offsets={})
    save_checkpoint(folder / f"update-{update:06d}", policy, adamw(policy), state)


@pytest.mark.parametrize("size", [10, 1_000, 30_000, 300_000])
def test_a_full_disk_is_named_and_the_checkpoint_before_stays(tmp_path: Path, size: int) -> None:
    """Wherever it fills up: in the configuration, the tokenizer, or the weights."""
    save(tmp_path, 1)
    with no_file_larger_than(size), pytest.raises(CheckpointError) as caught:
        save(tmp_path, 2)
    message = str(caught.value)
    assert "update-000002 was not written: the disk of" in message
    assert "earlier checkpoints are untouched" in message
    assert [path.name for path in tmp_path.iterdir()] == ["update-000001"]
    assert newest_checkpoint(tmp_path) == tmp_path / "update-000001"


def test_a_disk_that_fills_up_in_the_optimisers_file_is_full_too(tmp_path: Path) -> None:
    """torch words this as a RuntimeError about positions; safetensors has an error of its own."""
    save(tmp_path, 1)
    sizes = {path.name: path.stat().st_size for path in (tmp_path / "update-000001").iterdir()}
    from small_policy import train_a_little

    policy = small_policy()
    optimizer = adamw(policy)
    train_a_little(policy, optimizer, seed=0)  # two moments: twice the weights
    state = RunState(update=2, best=0.0, without_improvement=0, offsets={})
    limit = sizes["model.safetensors"] + 1_000
    with (
        no_file_larger_than(limit),
        pytest.raises(CheckpointError, match=r"the disk of .* is full") as caught,
    ):
        save_checkpoint(tmp_path / "update-000002", policy, optimizer, state)
    assert isinstance(caught.value.__cause__, RuntimeError)
    assert newest_checkpoint(tmp_path) == tmp_path / "update-000001"


def test_a_folder_that_cannot_be_written_is_named() -> None:
    small_policy()  # reads the files of packages that only root may read
    with folder_of_an_ordinary_user() as folder:
        save(folder, 1)
        with (
            read_only(folder),
            pytest.raises(CheckpointError, match=r"cannot be written to \(Permission denied"),
        ):
            save(folder, 2)
        assert newest_checkpoint(folder) == folder / "update-000001"
