"""Configurations from TOML files and dotted overrides, checked against the dataclasses."""

from __future__ import annotations

import dataclasses
import json
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from igs_agent.config import CreditConfig, TrainConfig
from igs_env.errors import ConfigurationError, unknown_name
from igs_env.task import TaskOptions

TRAINER_OWNS = ("scorer", "scorer_kwargs", "scoring", "sampler", "counterfactuals", "aliases")
"""Environment arguments that a training run sets itself: the gain is the policy's own, and
`credit.sampler`, `credit.counterfactuals` and `credit.aliases` say how it is measured."""


def load_config(path: str | Path | None, overrides: Sequence[str] = ()) -> TrainConfig:
    """The configuration of a TOML file with overrides such as `optim.learning_rate=1e-4`.

    `credit=grpo` is short for `credit.name=grpo`. Values are TOML; what is not is a string.

    Raises:
        ConfigurationError: a file that cannot be read, an unknown key (with the nearest known
            one), a value of the wrong type or out of range.

    >>> load_config(None, ["credit=grpo", "env.hops=1"]).credit.name
    'grpo'
    """
    table = _read(Path(path)) if path is not None else {}
    for override in overrides:
        _override(table, override)
    config: TrainConfig = _build(TrainConfig, table, "")
    _check(config)
    return config


def dump_config(config: TrainConfig) -> str:
    """TOML that `load_config` reads back as an equal configuration."""
    lines: list[str] = []
    _dump(dataclasses.asdict(config), "", lines)
    return "\n".join(lines).lstrip("\n") + "\n"


def _read(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except FileNotFoundError as error:
        raise ConfigurationError(f"there is no configuration file {path}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} is no valid TOML: {error}") from error


def _override(table: dict[str, Any], text: str) -> None:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigurationError(f"an override is written key=value, got {text!r}")
    *folders, name = key.strip().split(".")
    for folder in folders:
        table = table.setdefault(folder, {})
        if not isinstance(table, dict):
            raise ConfigurationError(f"{text!r}: {folder} holds a value, not settings")
    try:
        table[name] = tomllib.loads(f"value = {value}")["value"]
    except tomllib.TOMLDecodeError:
        table[name] = value.strip()


def _build(kind: type, table: Mapping[str, Any], where: str) -> Any:
    known = {field.name: field for field in dataclasses.fields(kind)}
    hints = typing.get_type_hints(kind)
    values = {}
    for name, value in table.items():
        key = f"{where}{name}"
        if name not in known:
            raise unknown_name("setting", key, [f"{where}{other}" for other in known])
        values[name] = _value(hints[name], value, key)
    return kind(**values)


def _value(hint: Any, value: Any, key: str) -> Any:
    if hint is CreditConfig and isinstance(value, str):
        value = {"name": value}
    if dataclasses.is_dataclass(hint):
        if not isinstance(value, Mapping):
            raise _wrong(key, value, "a table of settings")
        return _build(typing.cast(type, hint), value, f"{key}.")
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        inner = [argument for argument in arguments if argument is not type(None)]
        return None if value in (None, "none") else _value(inner[0], value, key)
    if origin is Literal:
        if value not in arguments:
            raise unknown_name(key, str(value), map(str, arguments))
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple) or len(value) != len(arguments):
            raise _wrong(key, value, f"{len(arguments)} numbers")
        return tuple(_value(a, v, key) for a, v in zip(arguments, value, strict=True))
    if origin is not None:
        return _mapping(value, key)
    return _scalar(hint, value, key)


def _scalar(hint: type, value: Any, key: str) -> Any:
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, hint) and not (hint is int and isinstance(value, bool)):
        return value
    raise _wrong(key, value, hint.__name__)


def _mapping(value: Any, key: str) -> dict[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(key, value, "a table of settings")
    if key == "env":
        for name in value:
            if name in TRAINER_OWNS:
                raise ConfigurationError(
                    f"env.{name} is set by the trainer, which scores with its own policy; "
                    "see credit.sampler, credit.counterfactuals and credit.aliases"
                )
            if name not in TaskOptions.__annotations__:
                raise unknown_name("setting", f"env.{name}", _dotted_env())
    return dict(value)


def _dotted_env() -> list[str]:
    return [f"env.{name}" for name in TaskOptions.__annotations__ if name not in TRAINER_OWNS]


def _wrong(key: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"{key} must be {expected}, got {value!r}")


_POSITIVE = (
    "updates",
    "rollout.questions",
    "rollout.max_tokens",
    "rollout.max_rows",
    "rollout.temperature",
    "credit.counterfactuals",
    "optim.learning_rate",
    "optim.max_grad_norm",
    "optim.epochs",
    "optim.minibatches",
    "optim.batch_tokens",
    "evaluation.questions",
    "loss.constant_length",
    "checkpoint.every",
    "checkpoint.keep",
)
_NOT_NEGATIVE = (
    "seed",
    "loss.clip_low",
    "loss.clip_high",
    "loss.kl",
    "loss.importance_cap",
    "optim.warmup",
    "optim.weight_decay",
    "evaluation.every",
    "evaluation.patience",
    "policy.lora_rank",
    "rollout.top_k",
)


def _check(config: TrainConfig) -> None:
    for keys, least, words in ((_POSITIVE, 0, "above 0"), (_NOT_NEGATIVE, -1, "at least 0")):
        for key in keys:
            value: Any = config
            for part in key.split("."):
                value = getattr(value, part)
            if not value > least and not (least == -1 and value >= 0):
                raise ConfigurationError(f"{key} must be {words}, got {value!r}")
    if config.rollout.group_size < 2:
        raise ConfigurationError(
            f"rollout.group_size must be at least 2, got {config.rollout.group_size}: advantages "
            "compare the rollouts of a question with each other"
        )


def _dump(table: Mapping[str, Any], where: str, lines: list[str]) -> None:
    inner = {name: value for name, value in table.items() if isinstance(value, Mapping)}
    for name, value in table.items():
        if name not in inner and value is not None:
            lines.append(f"{name} = {_toml(value)}")
    for name, value in inner.items():
        if value:
            lines += ["", f"[{where}{name}]"]
            _dump(value, f"{where}{name}.", lines)


def _toml(value: object) -> str:
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_toml, value))}]"
    # JSON's strings, numbers and booleans are TOML's, except for numbers like 1e-06, which both
    # write alike.
    return json.dumps(value, ensure_ascii=False)
