"""Making a loaded policy trainable: adapters and gradient checkpointing."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from igs_agent.config import PolicyConfig
from igs_agent.policy import Policy
from igs_env.errors import missing_package


def prepare_policy(policy: Policy, config: PolicyConfig) -> Policy:
    """The policy with what its configuration asks for; its parameters are trainable."""
    model: Any = policy.model
    if config.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    if config.lora_rank:
        model = _with_lora(model, config.lora_rank)
    return replace(policy, model=model)


def _with_lora(model: Any, rank: int) -> Any:
    """LoRA on all linear layers (Hu et al. 2022, arXiv 2106.09685), scaled by 2r as is usual."""
    try:
        import peft
    except ImportError as error:
        raise missing_package("peft", extra="agent", purpose="policy.lora_rank") from error
    settings = peft.LoraConfig(
        r=rank, lora_alpha=2 * rank, lora_dropout=0.0, target_modules="all-linear"
    )
    return peft.get_peft_model(model, settings)
