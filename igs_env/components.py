"""Finding a component by what a user wrote: a registry name, `module:attribute` or an object."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Mapping
from typing import Any

from igs_env.errors import ConfigurationError, unknown_name


def find_component(kind: str, value: object, registry: Mapping[str, Any]) -> Any:
    """The component that `value` names.

    Args:
        kind: what is looked for, for the error: `retriever`, `reward`, …
        value: a key of `registry`, a `module:attribute` string, or the object itself.
        registry: name → object, or name → `module:attribute` string imported on first use.

    Raises:
        ConfigurationError: unknown name, or a module or attribute that cannot be found.

    >>> find_component("join", "os.path:join", {}).__name__
    'join'
    """
    if not isinstance(value, str):
        return value
    if value in registry:
        entry = registry[value]
        return import_attribute(kind, entry) if isinstance(entry, str) else entry
    if ":" in value:
        return import_attribute(kind, value)
    raise unknown_name(kind, value, registry)


def import_attribute(kind: str, path: str) -> Any:
    """The object that a `module:attribute` string names.

    Raises `ConfigurationError` when the module or the attribute is not there. An ImportError
    that comes from inside the module is passed on: it is that module's own problem.
    """
    module_name, _, attribute = path.partition(":")
    if not (module_name and attribute):
        raise ConfigurationError(f"{kind} {path!r}: write module:attribute")
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise
        raise ConfigurationError(
            f"{kind} {path!r}: there is no module {error.name!r}; write module:attribute with a "
            "module that Python can import from here"
        ) from error
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        raise ConfigurationError(
            f"{kind} {path!r}: module {module_name!r} has no {attribute!r}"
        ) from error


def check_component(kind: str, component: object, *needed: str) -> None:
    """Raise `ConfigurationError` unless `component` has every `needed` attribute.

    >>> check_component("reward", 5, "__call__")
    Traceback (most recent call last):
    igs_env.errors.ConfigurationError: a reward needs __call__, which int has not
    """
    for name in needed:
        if not hasattr(component, name):
            raise ConfigurationError(
                f"a {kind} needs {name}, which {type(component).__name__} has not"
            )


def call_factory(kind: str, factory: Any, *arguments: object, **options: object) -> Any:
    """What a component's factory makes.

    Raises `ConfigurationError`, with the arguments that it takes, when it does not take these.
    """
    try:
        inspect.signature(factory).bind(*arguments, **options)
    except TypeError as error:
        name = getattr(factory, "__name__", type(factory).__name__)
        takes = list(inspect.signature(factory).parameters) if callable(factory) else []
        raise ConfigurationError(
            f"{kind} {name}: {error}; a factory is called with the corpus first, and this one "
            f"takes {', '.join(takes) or 'no arguments'}: give it one, or name an instance"
        ) from error
    return factory(*arguments, **options)
