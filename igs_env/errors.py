"""Errors that users meet. Each message says what is wrong, what was got and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class IGSearchError(Exception):
    """Base of every error that this project raises on purpose."""


class ConfigurationError(IGSearchError, ValueError):
    """An argument, a configuration key or a name that cannot be used."""


class DataError(IGSearchError, ValueError):
    """A questions or corpus file that is missing, malformed or inconsistent."""


class IndexMismatchError(DataError):
    """A saved index that belongs to another corpus or another encoder."""


class RetrievalError(IGSearchError, RuntimeError):
    """A search that could not be carried out. It is never turned into a document."""


class RecordingError(IGSearchError):
    """A recording of searches that lacks one, or that cannot be read or written.

    No `RetrievalError`: that a search was not recorded says nothing about how it would have ended.
    """


class MissingPackageError(IGSearchError, ImportError):
    """An optional package is not installed; the message is the pip command."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> ConfigurationError:
    """Error for a name that a registry does not hold, with the nearest one that it does.

    >>> str(unknown_name("credit estimator", "grop", ["grpo", "gigpo"]))
    "no credit estimator 'grop' (did you mean 'grpo'?); choose from: gigpo, grpo"
    """
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return ConfigurationError(f"no {kind} {name!r}{hint}; choose from: {', '.join(names)}")


def missing_package(package: str, *, extra: str, purpose: str) -> MissingPackageError:
    """Error for an optional package, ending in the command that installs it.

    >>> str(missing_package("torch", extra="agent", purpose="igs train"))
    'igs train needs torch, which is not installed: pip install "ig-search-gym[agent]"'
    """
    return MissingPackageError(
        f'{purpose} needs {package}, which is not installed: pip install "ig-search-gym[{extra}]"'
    )
