"""What verl's functions return for random ragged batches.

In an environment that already has torch, numpy and transformers:

    pip install --no-deps verl==0.9.1 tensordict==0.10.0 pyvers orjson omegaconf \
        antlr4-python3-runtime==4.9.3 hydra-core codetiming && pip install ray
    python -m benchmarks.parity.verl_functions
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import numpy as np
import torch
from verl.trainer.ppo import core_algos
from verl.trainer.ppo.rollout_corr_helper import compute_rollout_correction_weights
from verl.workers.config import ActorConfig

from benchmarks.parity.record import ragged_batch, write

CLIP = {"clip_low": 0.2, "clip_high": 0.28}
CONSTANT = 6
CAP = 2.0


def main() -> None:
    """Record four batches."""
    torch.set_default_dtype(torch.float64)
    cases = []
    for seed in range(4):
        inputs = ragged_batch(seed)
        options = {**CLIP, "constant_length": CONSTANT, "importance_cap": CAP}
        outputs = {**advantages(inputs), **losses(inputs), **divergences(inputs)}
        cases.append({"inputs": inputs, "options": options, "outputs": outputs})
    functions = (
        "compute_grpo_outcome_advantage, compute_rloo_outcome_advantage, "
        "compute_policy_loss_vanilla (dual clip out of reach), agg_loss, kl_penalty, "
        "compute_rollout_correction_weights"
    )
    write(
        "verl",
        {
            "command": "python -m benchmarks.parity.verl_functions",
            "verl": version("verl"),
            "functions": functions,
        },
        cases,
    )


def advantages(inputs: dict[str, Any]) -> dict[str, Any]:
    """Per rollout: verl spreads one number over a rollout's tokens, of which the first is read."""
    mask = torch.tensor(inputs["mask"]).double()
    index = np.array(inputs["group"])

    def of(function: Any, **options: Any) -> list[float]:
        rewards = torch.zeros_like(mask)
        rewards[:, 0] = torch.tensor(inputs["rewards"])
        found, _ = function(rewards, mask, index, **options)
        return [float(value) for value in found[:, 0]]

    grpo = core_algos.compute_grpo_outcome_advantage
    return {
        "grpo": of(grpo),
        "dr_grpo": of(grpo, norm_adv_by_std_in_grpo=False),
        "rloo": of(core_algos.compute_rloo_outcome_advantage),
    }


def losses(inputs: dict[str, Any]) -> dict[str, Any]:
    """The clipped loss under two aggregations, with its gradient, plain and weighted."""
    mask = torch.tensor(inputs["mask"]).double()
    old, own = (torch.tensor(inputs[name]) for name in ("old_log_probs", "log_probs"))
    # The engine that sampled stands in for the reference here: any other log-probabilities do.
    log_ratio = old - torch.tensor(inputs["ref_log_probs"])
    weights, _ = compute_rollout_correction_weights(log_ratio, mask, rollout_is_threshold=CAP)
    found: dict[str, Any] = {"importance_weights": weights.tolist()}
    for name, mode, weighted in (
        ("token_mean", "token-mean", None),
        ("constant", "seq-mean-token-sum-norm", None),
        ("weighted_token_mean", "token-mean", weights),
    ):
        log_probs = own.clone().requires_grad_()
        loss, _ = core_algos.compute_policy_loss_vanilla(
            old,
            log_probs,
            torch.tensor(inputs["advantages"]),
            mask,
            loss_agg_mode=mode,
            config=_config(),
            rollout_is_weights=weighted,
        )
        loss.backward()
        assert log_probs.grad is not None
        found[name] = {"loss": float(loss.detach()), "gradient": log_probs.grad.tolist()}
    return found


def divergences(inputs: dict[str, Any]) -> dict[str, Any]:
    """k3 of every token."""
    own, reference = (torch.tensor(inputs[name]) for name in ("log_probs", "ref_log_probs"))
    return {"k3": core_algos.kl_penalty(own, reference, "k3").tolist()}


def _config() -> ActorConfig:
    config = ActorConfig(
        strategy="fsdp",
        ppo_micro_batch_size_per_gpu=1,
        rollout_n=1,
        clip_ratio_low=CLIP["clip_low"],
        clip_ratio_high=CLIP["clip_high"],
        clip_ratio_c=1e9,
        loss_scale_factor=CONSTANT,
    )
    config.global_batch_info["loss_scale_factor"] = CONSTANT
    return config


if __name__ == "__main__":
    main()
