"""TRL as this adapter needs it."""

from __future__ import annotations

from typing import Any

from igs_agent.adapters.release import Release

RELEASE = Release(
    package="trl",
    extra="trl",
    adapter="igs_agent.adapters.trl",
    tested="1.16.0",
    signatures={
        "trl:GRPOTrainer.__init__": (
            "model",
            "reward_funcs",
            "args",
            "train_dataset",
            "eval_dataset",
            "processing_class",
            "rollout_func",
        ),
        "trl:GRPOTrainer._generate_and_score_completions": ("inputs",),
        "trl.models:unwrap_model_for_generation": (
            "model",
            "accelerator",
            "gather_deepspeed3_params",
        ),
    },
)


def checked_trl() -> Any:
    """The module `trl`; see `Release.checked`."""
    return RELEASE.checked()
