"""TRL as this adapter needs it, or one line that says what is in the way."""

from __future__ import annotations

import importlib
import inspect
from typing import Any

from igs_env.errors import ConfigurationError, missing_package

TESTED = "1.16.0"
"""The release that the tests run on; any 1.x with the signatures below is accepted."""
PURPOSE = "igs_agent.adapters.trl"

_CONSTRUCTOR = {
    "model",
    "reward_funcs",
    "args",
    "train_dataset",
    "eval_dataset",
    "processing_class",
    "rollout_func",
}
_OVERRIDDEN = {"_generate_and_score_completions": ["self", "inputs"]}


def checked_trl() -> Any:
    """The module `trl`.

    Raises:
        MissingPackageError: it is not installed.
        ConfigurationError: a release outside 1.x, or one whose `GRPOTrainer` has changed.
    """
    try:
        trl = importlib.import_module("trl")
    except ModuleNotFoundError as error:
        if error.name != "trl":
            raise
        raise missing_package("trl", extra="trl", purpose=PURPOSE) from error
    if str(trl.__version__).split(".")[0] != "1":
        raise ConfigurationError(
            f'{PURPOSE} needs trl 1.x, got {trl.__version__}: pip install "trl=={TESTED}"'
        )
    check_signatures(trl.GRPOTrainer, str(trl.__version__))
    return trl


def check_signatures(trainer: type, version: str) -> None:
    """Raise `ConfigurationError` where a method is not what the adapter builds on."""
    absent = _CONSTRUCTOR - set(inspect.signature(trainer.__init__).parameters)  # type: ignore[misc]
    if absent:
        raise _changed(version, f"GRPOTrainer takes no {', '.join(sorted(absent))}")
    for name, expected in _OVERRIDDEN.items():
        method = getattr(trainer, name, None)
        found = list(inspect.signature(method).parameters) if method else None
        if found != expected:
            raise _changed(version, f"GRPOTrainer.{name} has {found} instead of {expected}")


def _changed(version: str, what: str) -> ConfigurationError:
    return ConfigurationError(
        f"trl {version} is not one that {PURPOSE} knows: {what}; "
        f'pip install "trl=={TESTED}", with which it is tested'
    )
