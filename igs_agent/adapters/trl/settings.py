"""What of TRL's `GRPOConfig` holds for episodes played here, and what is refused."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from igs_agent.generation import Sampling
from igs_env.errors import ConfigurationError

_FIXED: dict[str, tuple[tuple[Any, ...], str]] = {
    "use_vllm": ((False,), "episodes are sampled by an igs_agent generator; pass generator=…"),
    "use_transformers_continuous_batching": (
        (False,),
        "episodes are sampled by an igs_agent generator; pass generator=…",
    ),
    "chat_template_kwargs": ((None, {}), "a policy's template is used as it is; leave them out"),
    "min_p": ((None, 0.0), "it is not sampled with; use top_p or top_k"),
    "repetition_penalty": ((1.0,), "it is not sampled with; leave it at 1"),
    "generation_kwargs": ((None,), "they are not sampled with; use temperature, top_p, top_k"),
    "remove_unused_columns": ((False,), "the column question_id is needed; leave it False"),
}
_CREDIT: dict[str, tuple[tuple[Any, ...], str]] = {
    "scale_rewards": (
        ("group", True),
        'the estimator decides; for "none" use credit=CreditConfig(name="dr_grpo")',
    ),
    "multi_objective_aggregation": (("sum_then_normalize",), "there is one reward, the episode's"),
    "importance_sampling_level": (
        ("token",),
        "credit is per token; a ratio per sequence would mix its steps",
    ),
    "loss_type": (
        ("grpo", "bnpo", "dr_grpo", "dapo", "luspo", "cispo", "sapo"),
        "it takes no advantage per token; choose bnpo, dapo or dr_grpo",
    ),
    "off_policy_mask_threshold": ((None,), "it takes no advantage per token; leave it None"),
}
_PASSED_ON = ("callbacks", "optimizers", "peft_config")


def check_arguments(more: Iterable[str]) -> None:
    """Raise `ConfigurationError` for an argument of `GRPOTrainer` that this trainer sets itself."""
    for name in more:
        if name not in _PASSED_ON:
            raise ConfigurationError(
                f"IGGRPOTrainer takes no {name}: questions, tokens and rewards are the task's; of "
                f"GRPOTrainer's arguments it passes on {', '.join(_PASSED_ON)}"
            )


def check_settings(args: Any, *, own_credit: bool, sharded: bool) -> None:
    """Raise `ConfigurationError` for a setting that would silently do nothing, or the wrong thing.

    Args:
        args: a `GRPOConfig`.
        own_credit: advantages are an estimator's, not TRL's.
        sharded: parameters are sharded by FSDP.
    """
    for name, (allowed, reason) in {**_FIXED, **(_CREDIT if own_credit else {})}.items():
        value = getattr(args, name, allowed[0])
        if value not in allowed:
            raise ConfigurationError(f"IGGRPOTrainer: {name}={value!r} is not supported: {reason}")
    if sharded:
        raise ConfigurationError(
            "IGGRPOTrainer: FSDP is not supported: processes play episodes of different lengths, "
            "and its collectives would wait for each other for ever; use DDP or DeepSpeed"
        )


def sampling(args: Any, max_tokens: int) -> Sampling:
    """How tokens are drawn: TRL's temperature, top-p and top-k, `max_tokens` per turn."""
    return Sampling(
        temperature=args.temperature,
        top_p=args.top_p,
        top_k=max(args.top_k or 0, 0),
        max_tokens=max_tokens,
    )
