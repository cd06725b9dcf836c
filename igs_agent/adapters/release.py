"""A host library as its adapter needs it, or one line that says what is in the way."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from igs_env.errors import ConfigurationError, missing_package


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """The library that an adapter was written and is tested with."""

    package: str
    """Its name, for `import` and for pip."""
    extra: str
    """Of this project, which installs it."""
    adapter: str
    """The module that needs it, as errors name it."""
    tested: str
    """The version that the tests run on; any of the same major version is accepted that has the
    signatures."""
    signatures: Mapping[str, tuple[str, ...]]
    """What is called or overridden, `module:path` → the parameters that are relied on."""

    def checked(self) -> Any:
        """The library's module.

        Raises:
            MissingPackageError: it is not installed.
            ConfigurationError: another major version, or functions that have changed.
        """
        try:
            module = importlib.import_module(self.package)
        except ModuleNotFoundError as error:
            if error.name != self.package:
                raise
            raise missing_package(self.package, extra=self.extra, purpose=self.adapter) from error
        version, major = str(module.__version__), self.tested.partition(".")[0]
        if version.partition(".")[0] != major:
            raise ConfigurationError(
                f"{self.adapter} needs {self.package} {major}.x, got {version}: {self._install}"
            )
        for name, parameters in self.signatures.items():
            self._check(name, parameters, version)
        return module

    @property
    def _install(self) -> str:
        return f'pip install "{self.package}=={self.tested}"'

    def _check(self, name: str, parameters: tuple[str, ...], version: str) -> None:
        function = self._found(name)
        have = inspect.signature(function).parameters if function else {}
        absent = [parameter for parameter in parameters if parameter not in have]
        if function is None or absent:
            lacks = f"{name} takes no {', '.join(absent)}" if function else f"there is no {name}"
            raise ConfigurationError(
                f"{self.package} {version} is not one that {self.adapter} knows: {lacks}; "
                f"{self._install}, with which it is tested"
            )

    def _found(self, name: str) -> Callable[..., Any] | None:
        module, _, path = name.partition(":")
        try:
            found: Any = importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or error.name.partition(".")[0] != self.package:
                raise
            return None
        for part in path.split("."):
            found = getattr(found, part, None)
        function: Callable[..., Any] | None = found
        return function
