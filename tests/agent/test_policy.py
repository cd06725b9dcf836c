"""Where a policy is put, and what the environment's text can never be to it."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from small_policy import run_settings, small_policy

from igs_agent.config_file import load_config
from igs_agent.policy import device_of, load_policy
from igs_agent.trainer import train
from igs_env.errors import ConfigurationError

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU is visible")


@pytest.fixture
def two_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)


@pytest.mark.usefixtures("two_gpus")
def test_a_gpu_that_is_visible_is_used_without_a_flag() -> None:
    assert device_of(None) == torch.device("cuda")
    assert device_of("cpu") == torch.device("cpu")
    assert device_of("cuda:1") == torch.device("cuda:1")
    with pytest.raises(ConfigurationError, match=r"'cuda:2' is not there, torch sees 2 GPUs"):
        device_of("cuda:2")


@pytest.mark.usefixtures("no_gpu")
def test_without_one_it_is_the_cpu_and_a_gpu_that_is_asked_for_is_refused() -> None:
    assert device_of(None) == torch.device("cpu")
    with pytest.raises(ConfigurationError, match=r"'cuda' is not there, torch sees 0 GPUs"):
        load_policy("tiny", device="cuda")


def test_a_device_that_is_none_is_named() -> None:
    with pytest.raises(ConfigurationError, match="no device 'gpu7'; choose cpu, cuda"):
        device_of("gpu7")


@needs_gpu
def test_the_same_settings_train_on_a_gpu(tmp_path: Path, searcher_folder: Path) -> None:
    settings = run_settings(tmp_path / "run", searcher_folder, "policy.device=none")
    torch.cuda.reset_peak_memory_stats()
    assert train(load_config(None, settings)).updates == 2
    assert torch.cuda.max_memory_allocated() > 0


def test_text_of_the_environment_is_never_a_special_token() -> None:
    policy = small_policy()
    special = policy.tokenizer.eos_token
    assert set(policy.encode(f"a {special} b")).isdisjoint(policy.eos_ids)
