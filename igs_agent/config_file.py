"""Configurations from TOML files and dotted overrides, and back."""

from __future__ import annotations

import dataclasses
import json
import math
import os
import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from igs_agent.config import CreditConfig, TrainConfig
from igs_agent.config_limits import check_config
from igs_agent.config_values import NONE, build, dotted
from igs_agent.recipes import recipes
from igs_env.errors import ConfigurationError, unknown_name

SHORT: dict[str, str] = {
    "credit": "credit.name",
    "policy": "policy.path",
    "executor": "executor.name",
    "ray.address": "executor.address",
}
"""Names that stand for another setting where a value is given: `credit=grpo`."""

Table = dict[str, Any]


def load_config(path: str | os.PathLike[str] | None, overrides: Sequence[str] = ()) -> TrainConfig:
    """The configuration of a TOML file, with overrides such as `optim.learning_rate=1e-4`.

    Args:
        path: TOML file, or the name of one of `igs_agent.recipes`; None starts from the
            defaults.
        overrides: `dotted.key=value`; values are TOML, and text where they are not. `none` is
            None. `credit=grpo` is short for `credit.name=grpo`, `policy=PATH` for
            `policy.path=PATH`.

    Raises:
        ConfigurationError: a file that cannot be read, an unknown key (with the nearest known
            one), a value of the wrong type or out of range.

    >>> load_config(None, ["credit=grpo", "optim.learning_rate=1e-4", "env.hops=1"]).credit.name
    'grpo'
    >>> load_config(None, ["checkpoint.keeps=3"])
    Traceback (most recent call last):
    igs_env.errors.ConfigurationError: no setting 'checkpoint.keeps' (did you mean
    'checkpoint.keep'?); choose from: checkpoint.every, checkpoint.keep
    """
    config = build(TrainConfig, load_table(path, overrides, SHORT))
    check_config(config)
    return config


def load_table(
    path: str | os.PathLike[str] | None, overrides: Sequence[str], short: Mapping[str, str]
) -> Table:
    """The settings of a file with overrides, for `igs_agent.config_values.build` to check.

    `short` is like `SHORT`, for another set of settings.

    >>> load_table(None, ["supervised.epochs=2", "output=runs/tiny"], {})
    {'supervised': {'epochs': 2}, 'output': 'runs/tiny'}
    """
    table = {} if path is None else _read(_found(path))
    for name, key in short.items():
        if name in table and not isinstance(table[name], Mapping):
            _set(table, key.split("."), table.pop(name), f"{name} in {path}")
    _drop_foreign_options(table, overrides, short)
    for override in overrides:
        _override(table, override, short)
    return table


def dump_config(config: TrainConfig) -> str:
    """TOML that `load_config` reads back as an equal configuration.

    Raises:
        ConfigurationError: a live object, which no file can hold, in a free-form table.

    >>> dump_config(TrainConfig(run="runs/a")).splitlines()[0]
    'run = "runs/a"'
    """
    table = _plain(config)
    # None is the default of every environment argument that may be None.
    table["env"] = {name: value for name, value in table["env"].items() if value is not None}
    return "\n".join(_lines(table, "")).lstrip("\n") + "\n"


def _found(path: str | os.PathLike[str]) -> Path:
    """The file, or the recipe of that name where there is no such file."""
    known = recipes()
    if not Path(path).exists() and Path(path).suffix != ".toml":
        if str(path) not in known:
            raise unknown_name("recipe", str(path), known)
        return known[str(path)]
    return Path(path)


def _read(path: Path) -> Table:
    try:
        with path.open("rb") as file:
            return tomllib.load(file)
    except OSError as error:
        raise ConfigurationError(
            f"the configuration {path} cannot be read: {error.strerror}"
        ) from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"the configuration {path} is no valid TOML: {error}") from error


def _drop_foreign_options(table: Table, overrides: Sequence[str], short: Mapping[str, str]) -> None:
    """A file's `credit.options` belong to its estimator; an override with another has its own."""
    credit = table.get("credit")
    if not isinstance(credit, dict):
        return
    for override in overrides:
        key, _, value = override.partition("=")
        named = short.get(key.strip(), key.strip()) == "credit.name"
        if named and value.strip() != credit.get("name", CreditConfig().name):
            credit.pop("options", None)


def _override(table: Table, text: str, short: Mapping[str, str]) -> None:
    key, equals, value = text.partition("=")
    key = key.strip()
    parts = short.get(key, key).split(".")
    if not equals or not all(parts):
        raise ConfigurationError(
            f"an override is written key=value, for example optim.learning_rate=1e-4; got {text!r}"
        )
    _set(table, parts, _parsed(value.strip()), text)


def _set(table: Table, parts: Sequence[str], value: Any, text: str) -> None:
    for depth, part in enumerate(parts[:-1], start=1):
        table = table.setdefault(part, {})
        if not isinstance(table, dict):
            raise ConfigurationError(
                f"{text!r}: {'.'.join(parts[:depth])} is a value, not a table of settings"
            )
    table[parts[-1]] = value


def _parsed(text: str) -> Any:
    """A number, boolean, list or table where the text is one in TOML, else the text itself."""
    try:
        parsed = tomllib.loads(f"value = {text}")
    except tomllib.TOMLDecodeError:
        return text
    value = parsed["value"]
    # A run may be named after a day; no setting is a date. More than one key: a line break.
    is_toml = isinstance(value, str | int | float | list | dict) and len(parsed) == 1
    return value if is_toml else text


def _plain(config: Any) -> Table:
    """Nested dicts of a dataclass. `dataclasses.asdict` would copy live objects on the way."""
    return {
        field.name: _plain(value) if dataclasses.is_dataclass(value) else value
        for field in dataclasses.fields(config)
        for value in [getattr(config, field.name)]
    }


def _lines(table: Mapping[str, Any], where: str) -> Iterator[str]:
    inner = {key: value for key, value in table.items() if isinstance(value, Mapping)}
    for key, value in table.items():
        if key not in inner:
            yield f"{_key(key)} = {_toml(value, dotted(where, key))}"
    for key, value in inner.items():
        name = f"{where}.{_key(key)}" if where else _key(key)
        yield from ("", f"[{name}]")
        yield from _lines(value, name)


def _toml(value: object, key: str) -> str:
    if value is None:
        return json.dumps(NONE)
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str):
        # TOML's basic strings are JSON's, but for DEL, which TOML wants escaped.
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007F")
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, bool | int | float):
        return json.dumps(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(_toml(item, key) for item in value)}]"
    if isinstance(value, Mapping):
        pairs = (f"{_key(name)} = {_toml(item, key)}" for name, item in value.items())
        return f"{{{', '.join(pairs)}}}"
    raise ConfigurationError(
        f"{key} is a live {type(value).__name__}, which no configuration file can hold; give a "
        "name, a path or module:attribute, so that the run can be resumed"
    )


def _key(name: object) -> str:
    text = str(name)
    bare = re.fullmatch(r"[A-Za-z0-9_-]+", text)
    return text if bare else json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007F")
