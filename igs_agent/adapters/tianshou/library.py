"""Tianshou as this adapter needs it, or one line that says what is in the way."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from typing import Any

from igs_env.errors import ConfigurationError, missing_package

TESTED = "2.0.1"
"""The release that the tests run on; any 2.x with the signatures below is accepted."""
PURPOSE = "igs_agent.adapters.tianshou"

SIGNATURES: dict[str, tuple[str, ...]] = {
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
}
"""What is called or overridden, `module:path` → the parameters that are relied on."""


def checked_tianshou(signatures: Mapping[str, tuple[str, ...]] = SIGNATURES) -> Any:
    """The module `tianshou`.

    Raises:
        MissingPackageError: it is not installed.
        ConfigurationError: a release outside 2.x, or one whose methods have changed.
    """
    try:
        tianshou = importlib.import_module("tianshou")
    except ModuleNotFoundError as error:
        if error.name != "tianshou":
            raise
        raise missing_package("tianshou", extra="tianshou", purpose=PURPOSE) from error
    version = str(tianshou.__version__)
    if version.split(".")[0] != "2":
        raise ConfigurationError(
            f'{PURPOSE} needs tianshou 2.x, got {version}: pip install "tianshou=={TESTED}"'
        )
    for name, parameters in signatures.items():
        _check(name, parameters, version)
    return tianshou


def _check(name: str, parameters: tuple[str, ...], version: str) -> None:
    function = _found(name)
    have = inspect.signature(function).parameters if function else {}
    absent = [parameter for parameter in parameters if parameter not in have]
    if function is None or absent:
        lacks = f"{name} takes no {', '.join(absent)}" if function else f"there is no {name}"
        raise ConfigurationError(
            f"tianshou {version} is not one that {PURPOSE} knows: {lacks}; "
            f'pip install "tianshou=={TESTED}", with which it is tested'
        )


def _found(name: str) -> Callable[..., Any] | None:
    module, _, path = name.partition(":")
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not error.name.startswith("tianshou"):
            raise
        return None
    for part in path.split("."):
        found = getattr(found, part, None)
    function: Callable[..., Any] | None = found
    return function
