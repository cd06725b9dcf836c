"""What a run folder says about its run, as far as it can be read."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from igs_env.errors import DataError

_FACTS = {
    "policy": "policy.path",
    "credit": "credit.name",
    "counterfactuals": "credit.counterfactuals",
    "sampler": "credit.sampler",
    "questions": "env.questions",
    "protocol": "env.protocol",
    "documents per search": "env.top_k",
    "rollouts per question": "rollout.group_size",
    "questions per update": "rollout.questions",
    "updates": "updates",
    "learning rate": "optim.learning_rate",
    "seed": "seed",
}
"""What the page's head says → setting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFolder:
    """A run folder, perhaps a damaged one."""

    path: Path
    settings: Mapping[str, Any]
    """Of `config.toml`; empty where that cannot be read."""
    problems: tuple[str, ...]
    """What is missing, as sentences."""

    @property
    def episodes(self) -> Path:
        """The file of episodes, which may not be there."""
        return self.path / "episodes.jsonl"

    def setting(self, key: str) -> Any:
        """The setting of a dotted key; None where it is not known."""
        value: Any = self.settings
        for part in key.split("."):
            value = value.get(part) if isinstance(value, Mapping) else None
        return None if value == "none" else value

    def facts(self) -> list[tuple[str, str]]:
        """What the run is, in a few words each."""
        known = ((label, self.setting(key)) for label, key in _FACTS.items())
        return [(label, str(value)) for label, value in known if value is not None]


def open_run_folder(path: Path) -> RunFolder:
    """The run folder at `path`.

    Raises:
        DataError: there is no such folder, or nothing of a run in it.
    """
    if not path.is_dir():
        raise DataError(f"there is no run folder {path}; igs train makes one with run={path}")
    config = path / "config.toml"
    if not config.exists() and not (path / "episodes.jsonl").exists():
        raise DataError(
            f"{path} holds no run: neither config.toml nor episodes.jsonl is in it; give the "
            "folder that igs train was told by run=…"
        )
    settings, problems = _settings(config)
    return RunFolder(path=path, settings=settings, problems=problems)


def _settings(config: Path) -> tuple[dict[str, Any], tuple[str, ...]]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8")), ()
    except FileNotFoundError:
        return {}, ("config.toml is missing: how the run was set up is not known",)
    except (OSError, ValueError) as error:
        return {}, (f"config.toml cannot be read ({error}): how the run was set up is not known",)
