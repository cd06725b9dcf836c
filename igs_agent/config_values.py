"""Tables of settings as dataclasses: every name and every value checked against its field."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Mapping
from typing import Any, Literal, TypeVar

from igs_env.errors import ConfigurationError, unknown_name

T = TypeVar("T")

NONE = "none"
"""How a file or an override writes None, which TOML has no word for."""

_WORDS: dict[Any, str] = {
    bool: "true or false",
    float: "a number",
    int: "an integer",
    str: "text",
}


def build(kind: type[T], table: Mapping[str, Any], where: str = "", start: T | None = None) -> T:
    """A dataclass of this kind from a table; what the table leaves out keeps its default.

    Args:
        kind: a dataclass whose fields are scalars, choices, tuples, mappings or dataclasses.
        table: names and values as a TOML file has them.
        where: dotted name of the table, for messages.
        start: what the table changes; None: the defaults of `kind`. A field that holds a
            dataclass may have other defaults than that dataclass by itself.

    Raises:
        ConfigurationError: a name that the dataclass lacks, or a value of another type.

    >>> from igs_agent.config import OptimConfig
    >>> build(OptimConfig, {"learning_rate": 1}).learning_rate
    1.0
    >>> build(OptimConfig, {"warmup": 0.5}, "optim")
    Traceback (most recent call last):
    igs_env.errors.ConfigurationError: optim.warmup must be an integer, got 0.5
    """
    fields = {field.name: field for field in dataclasses.fields(typing.cast(Any, kind))}
    hints = typing.get_type_hints(kind)
    values = {}
    for name, value in table.items():
        key = dotted(where, name)
        if name not in fields:
            raise unknown_name("setting", key, [dotted(where, field) for field in fields])
        if dataclasses.is_dataclass(hints[name]):
            default = getattr(start, name) if start is not None else _default(fields[name])
            nested = typing.cast(type[Any], hints[name])
            values[name] = build(nested, _table(value, key), key, default)
        else:
            values[name] = typed_value(hints[name], value, key)
    if start is None:
        return kind(**values)
    return dataclasses.replace(typing.cast(Any, start), **values)  # type: ignore[no-any-return]


def typed_value(hint: Any, value: Any, key: str) -> Any:
    """The value as its field holds it: integers as floats where floats are meant, lists as tuples.

    Raises `ConfigurationError` with the key, the value and what was expected.
    """
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (types.UnionType, typing.Union):
        if value is None or value == NONE:
            return None
        (inner,) = (argument for argument in arguments if argument is not type(None))
        return typed_value(inner, value, key)
    if origin is Literal:
        if value not in arguments or isinstance(value, bool):
            raise unknown_name(key, str(value), map(str, arguments))
        return value
    if origin is tuple:
        if not isinstance(value, list | tuple) or len(value) != len(arguments):
            raise _wrong(key, value, f"a list of {len(arguments)} values")
        return tuple(typed_value(a, v, key) for a, v in zip(arguments, value, strict=True))
    if origin is not None:
        return dict(_table(value, key))
    return _scalar(hint, value, key)


def dotted(*parts: str) -> str:
    """Parts of a setting's name as an override writes it; empty parts are left out.

    >>> dotted("", "optim", "warmup")
    'optim.warmup'
    """
    return ".".join(filter(None, parts))


def _default(field: dataclasses.Field[Any]) -> Any:
    """The instance that a field starts from, or None where it has to be given."""
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return None if field.default is dataclasses.MISSING else field.default


def _scalar(hint: Any, value: Any, key: str) -> Any:
    if hint is Any:
        return value
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(value, hint) and (hint is bool or not isinstance(value, bool)):
        return value
    raise _wrong(key, value, _WORDS.get(hint, hint.__name__))


def _table(value: Any, key: str) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise _wrong(key, value, f"a table of settings, such as [{key}] or {key}.name=value")
    return value


def _wrong(key: str, value: object, expected: str) -> ConfigurationError:
    return ConfigurationError(f"{key} must be {expected}, got {value!r}")
