"""TRL as this adapter needs it, or one line that says what is in the way."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from igs_env.errors import ConfigurationError, missing_package

TESTED = "1.16.0"
"""The release that the tests run on; any 1.x with the signatures below is accepted."""
PURPOSE = "igs_agent.adapters.trl"

SIGNATURES: dict[str, tuple[str, ...]] = {
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
}
"""What is called or overridden, `module:path` → the parameters that are relied on."""


def checked_trl(signatures: Mapping[str, tuple[str, ...]] = SIGNATURES) -> Any:
    """The module `trl`.

    Raises:
        MissingPackageError: it is not installed.
        ConfigurationError: a release outside 1.x, or one whose functions have changed.
    """
    try:
        trl = importlib.import_module("trl")
    except ModuleNotFoundError as error:
        if error.name != "trl":
            raise
        raise missing_package("trl", extra="trl", purpose=PURPOSE) from error
    version = str(trl.__version__)
    if version.split(".")[0] != "1":
        raise ConfigurationError(
            f'{PURPOSE} needs trl 1.x, got {version}: pip install "trl=={TESTED}"'
        )
    for name, parameters in signatures.items():
        _check(name, parameters, version)
    return trl


def _check(name: str, parameters: tuple[str, ...], version: str) -> None:
    module, _, path = name.partition(":")
    function: Any = importlib.import_module(module)
    for part in path.split("."):
        function = getattr(function, part, None)
    have = inspect.signature(function).parameters if function else {}
    absent = [parameter for parameter in parameters if parameter not in have]
    if absent:
        lacks = f"{name} takes no {', '.join(absent)}" if function else f"there is no {name}"
        raise ConfigurationError(
            f"trl {version} is not one that {PURPOSE} knows: {lacks}; "
            f'pip install "trl=={TESTED}", with which it is tested'
        )
