"""Verbs of the agent need torch; without it they end in the command that installs it."""

from __future__ import annotations

from importlib.util import find_spec

from igs_env.errors import missing_package


def need_torch(verb: str) -> None:
    """Raise `MissingPackageError` unless torch and transformers are installed."""
    for package in ("torch", "transformers"):
        if find_spec(package) is None:
            raise missing_package(package, extra="agent", purpose=verb)
