"""Tianshou as this adapter needs it."""

from __future__ import annotations

from typing import Any

from igs_agent.adapters.release import Release

RELEASE = Release(
    package="tianshou",
    extra="tianshou",
    adapter="igs_agent.adapters.tianshou",
    tested="2.0.1",
    signatures={
        "tianshou.algorithm.algorithm_base:OnPolicyAlgorithm.__init__": ("policy",),
        "tianshou.algorithm.algorithm_base:OnPolicyAlgorithm._create_optimizer": (
            "module",
            "factory",
            "max_grad_norm",
        ),
        "tianshou.algorithm.algorithm_base:OnPolicyAlgorithm._preprocess_batch": (
            "batch",
            "buffer",
            "indices",
        ),
        "tianshou.algorithm.algorithm_base:OnPolicyAlgorithm._update_with_batch": (
            "batch",
            "batch_size",
            "repeat",
        ),
        "tianshou.algorithm.algorithm_base:TrainingStats": ("train_time",),
        "tianshou.env:BaseVectorEnv.__init__": ("env_fns", "worker_fn"),
        "tianshou.env:BaseVectorEnv.reset": ("env_id",),
        "tianshou.env:BaseVectorEnv.step": ("action", "id"),
        "tianshou.env:BaseVectorEnv.seed": ("seed",),
        "tianshou.env.worker:EnvWorker.__init__": ("env_fn",),
        "tianshou.env.worker:EnvWorker.send": ("action",),
    },
)


def checked_tianshou() -> Any:
    """The module `tianshou`; see `Release.checked`."""
    return RELEASE.checked()
