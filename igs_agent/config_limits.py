"""What a configuration must keep to beyond the types of its values."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from igs_agent.config import TrainConfig
from igs_agent.config_values import build, dotted
from igs_env.components import find_component
from igs_env.errors import ConfigurationError, unknown_name
from igs_env.information_gain import ALIASES
from igs_env.task import TaskOptions

SET_BY_TRAINER: dict[str, str] = {
    "scorer": "the trainer scores with its own policy",
    "scorer_kwargs": "the trainer scores with its own policy",
    "scoring": "the trainer scores with its own policy",
    "sampler": "use credit.sampler",
    "counterfactuals": "use credit.counterfactuals",
    "aliases": "use credit.aliases",
}
"""Arguments of an environment that a training run sets itself, and what to do instead."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """Numbers that a setting may have."""

    least: float
    most: float = math.inf
    above: bool = False
    """`least` itself is too little."""

    def __contains__(self, value: float) -> bool:
        """Whether the value, which must be finite, is within."""
        enough = value > self.least if self.above else value >= self.least
        return math.isfinite(value) and enough and value <= self.most

    def __str__(self) -> str:
        """The limit in words."""
        lower = f"above {self.least:g}" if self.above else f"at least {self.least:g}"
        return lower if math.isinf(self.most) else f"{lower} and at most {self.most:g}"


LIMITS: dict[str, Limit] = {
    "seed": Limit(least=0),
    "updates": Limit(least=1),
    "policy.lora_rank": Limit(least=0),
    "rollout.questions": Limit(least=1),
    "rollout.group_size": Limit(least=1),
    "rollout.attempts": Limit(least=1),
    "rollout.temperature": Limit(least=0, above=True),
    "rollout.top_p": Limit(least=0, above=True, most=1),
    "rollout.top_k": Limit(least=0),
    "rollout.max_tokens": Limit(least=1),
    "rollout.max_rows": Limit(least=1),
    "credit.counterfactuals": Limit(least=1),
    "loss.clip_low": Limit(least=0, most=1),
    "loss.clip_high": Limit(least=0),
    "loss.kl": Limit(least=0),
    "loss.constant_length": Limit(least=1),
    "loss.importance_cap": Limit(least=0),
    "optim.learning_rate": Limit(least=0, above=True),
    "optim.warmup": Limit(least=0),
    "optim.decay_to": Limit(least=0, most=1),
    "optim.weight_decay": Limit(least=0),
    "optim.max_grad_norm": Limit(least=0, above=True),
    "optim.epochs": Limit(least=1),
    "optim.minibatches": Limit(least=1),
    "optim.batch_tokens": Limit(least=1),
    "evaluation.every": Limit(least=0),
    "evaluation.questions": Limit(least=1),
    "evaluation.patience": Limit(least=0),
    "checkpoint.every": Limit(least=1),
    "checkpoint.keep": Limit(least=1),
    "retrieval.max_failed": Limit(least=0, most=1),
    "executor.ranks": Limit(least=1),
    "executor.playing": Limit(least=0),
    "executor.restarts": Limit(least=0),
    "executor.cpus": Limit(least=0),
    "executor.gpus": Limit(least=0),
}
"""Every setting that is a number."""


def check_config(config: TrainConfig) -> None:
    """Raise `ConfigurationError` for a configuration that cannot be trained.

    Checked are limits of numbers, names of environment arguments, the estimator with its options,
    and the group size that it needs.
    """
    for key, limit in LIMITS.items():
        value: Any = config
        for part in key.split("."):
            value = getattr(value, part)
        if value not in limit:
            raise ConfigurationError(f"{key} must be {limit}, got {value!r}")
    for beta in config.optim.betas:
        if not 0 <= beta < 1:
            raise ConfigurationError(
                f"optim.betas must be at least 0 and below 1, got {list(config.optim.betas)}"
            )
    check_environment(config.env)
    if config.credit.aliases not in ALIASES:
        raise unknown_name("credit.aliases", config.credit.aliases, ALIASES)
    _check_executor(config)
    estimator = estimator_of(config.credit.name, config.credit.options)
    _check_signals(config.credit.name, estimator)
    _check_other_questions(config, estimator)
    if config.rollout.group_size < 2 and getattr(estimator, "group_relative", True):
        raise ConfigurationError(
            f"rollout.group_size must be at least 2 for credit {config.credit.name!r}, got "
            f"{config.rollout.group_size}: it compares the rollouts of a question with each other, "
            "and a rollout alone has nothing to be compared with"
        )


def _check_signals(name: Any, estimator: Any) -> None:
    """Before anything is played: an estimator asks for signals that exist."""
    from igs_agent.credit import signals_of
    from igs_agent.step_signals import SIGNALS

    for signal in signals_of(estimator):
        if signal not in SIGNALS:
            kind = f"signal of the name that credit {name!r} asks for,"
            raise unknown_name(kind, signal, SIGNALS)


def _check_other_questions(config: TrainConfig, estimator: Any) -> None:
    """A gain is measured against other questions of the update: there must be one."""
    from igs_agent.credit import signals_of
    from igs_agent.step_signals import draws_counterfactuals

    credit, asked = config.credit, config.rollout.questions
    others = credit.sampler == "other_questions" and draws_counterfactuals(signals_of(estimator))
    if others and asked < 2:
        raise ConfigurationError(
            f"rollout.questions must be at least 2 for credit {credit.name!r}, got {asked}: its "
            "counterfactual documents are those of the update's other questions; raise it, or set "
            "credit.sampler=corpus"
        )


def _check_executor(config: TrainConfig) -> None:
    executor = config.executor
    if executor.playing >= executor.ranks:
        raise ConfigurationError(
            f"executor.playing is {executor.playing} of executor.ranks={executor.ranks}: at least "
            "one rank must train"
        )
    if executor.name != "local" and config.rollout.server is not None:
        raise ConfigurationError(
            f"rollout.server and executor={executor.name} do not go together yet: the server is "
            "given the weights of one process; leave one of them out"
        )


def check_environment(env: Mapping[str, Any]) -> None:
    """Raise `ConfigurationError` for an argument that environments lack or the trainer sets."""
    for name in env:
        if name in SET_BY_TRAINER:
            raise ConfigurationError(f"env.{name} cannot be set: {SET_BY_TRAINER[name]}")
        if name not in TaskOptions.__annotations__:
            known = TaskOptions.__annotations__.keys() - SET_BY_TRAINER.keys()
            raise unknown_name("setting", dotted("env", str(name)), [f"env.{k}" for k in known])


def estimator_of(name: str, options: Mapping[str, Any]) -> Any:
    """The estimator that a configuration names, its options checked like settings.

    >>> estimator_of("grpo", {"epsilom": 0.5})
    Traceback (most recent call last):
    igs_env.errors.ConfigurationError: no setting 'credit.options.epsilom' (did you mean
    'credit.options.epsilon'?); choose from: credit.options.epsilon
    """
    # Here rather than above: the estimators import torch, which `igs --help` must not wait for.
    from igs_agent.credit import ESTIMATORS, make_estimator

    found = find_component("credit estimator", name, ESTIMATORS)
    try:
        if isinstance(found, type) and dataclasses.is_dataclass(found):
            return build(found, options, "credit.options")
        return make_estimator(name, options)
    except ConfigurationError:
        raise
    except ValueError as error:
        raise ConfigurationError(f"credit.options: {error}") from error
