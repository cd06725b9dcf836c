"""Settings of TRL that would silently do nothing, or the wrong thing, are refused by name."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from igs_agent.adapters.trl.settings import check_arguments, check_settings, sampling
from igs_env.errors import ConfigurationError


def config(**more: Any) -> SimpleNamespace:
    """What the defaults of a `GRPOConfig` come to here."""
    return SimpleNamespace(**{"temperature": 0.7, "top_p": 0.9, "top_k": None, **more})


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ({"use_vllm": True}, r"use_vllm=True is not supported: .*pass generator="),
        ({"repetition_penalty": 1.1}, "leave it at 1"),
        ({"min_p": 0.1}, "use top_p or top_k"),
        ({"remove_unused_columns": True}, "question_id is needed"),
        ({"scale_rewards": "none"}, "dr_grpo"),
        ({"importance_sampling_level": "sequence"}, "credit is per token"),
        ({"loss_type": "vespo"}, "choose bnpo, dapo or dr_grpo"),
    ],
)
def test_a_setting_that_cannot_hold_is_named_with_what_to_do(
    setting: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError, match=said) as raised:
        check_settings(config(**setting), own_credit=True, sharded=False)
    assert "\n" not in str(raised.value)


def test_with_trls_own_credit_its_settings_of_credit_hold() -> None:
    check_settings(config(scale_rewards="none"), own_credit=False, sharded=False)
    with pytest.raises(ConfigurationError, match="use_vllm"):
        check_settings(config(use_vllm=True), own_credit=False, sharded=False)


def test_sharded_parameters_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"FSDP is not supported: .*use DDP"):
        check_settings(config(), own_credit=True, sharded=True)


def test_arguments_that_this_trainer_sets_itself_are_refused() -> None:
    check_arguments(["callbacks", "optimizers", "peft_config"])
    with pytest.raises(ConfigurationError, match=r"takes no reward_funcs: .*passes on callbacks"):
        check_arguments(["reward_funcs"])


def test_tokens_are_drawn_as_trl_was_told() -> None:
    drawn = sampling(config(), max_tokens=40)
    assert (drawn.temperature, drawn.top_p, drawn.top_k, drawn.max_tokens) == (0.7, 0.9, 0, 40)
