"""Micro worlds: made-up facts, one per passage, and a policy of half a million parameters.

    python -m benchmarks.quality.micro            # warm-starts the policies of all regimes

A run of forty updates takes about a minute and a half on one core here, so that ten seeds of ten
methods are a night and not a month. A regime is a world and a policy that was warm-started on it;
the policy is made once, kept in `runs/micro`, and the same for every method and seed.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from igs_agent.config import TrainConfig
from igs_agent.config_file import load_config
from igs_agent.warmstart.build import WarmstartConfig, warmstart
from igs_agent.warmstart.demonstrations import DemonstrationStyle
from igs_agent.warmstart.sft import SupervisedConfig

FOLDER = Path("runs/micro")


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A world and how well its policy searches to begin with."""

    hops: str
    good_queries: float
    """Share of searches that the demonstrations get right."""

    def env(self) -> dict[str, Any]:
        """Keyword arguments of the environment."""
        world = f"fiction:documents=6000,facts=1,words=0,hops={self.hops},questions=6000,seed=0"
        return {"questions": world, "protocol": "plain", "top_k": 2, "max_searches": 4}


REGIMES: Mapping[str, Regime] = {
    "two-hops": Regime(hops="1-2", good_queries=0.3),
    "three-hops": Regime(hops="3", good_queries=0.4),
    "three-hops-weak": Regime(hops="3", good_queries=0.2),
}
"""Short and fair, long and fair, long from a weak start: where outcome credit works, where it gets
rare, and where hardly any rollout succeeds."""


def policy_folder(name: str) -> Path:
    """Where a regime's policy is; made by `make_policy`."""
    return FOLDER / "policies" / name


def make_policy(name: str) -> Path:
    """Warm-start a regime's policy, unless it is there."""
    folder, regime = policy_folder(name), REGIMES[name]
    if not (folder / "warmstart.json").is_file():
        style = DemonstrationStyle(
            good_queries=regime.good_queries, vague_queries=0.8 - regime.good_queries
        )
        config = WarmstartConfig(
            output=str(folder),
            env=regime.env(),
            style=style,
            first_turns=10,
            excerpts=6,
            documents=0.5,
            vocabulary=2048,
            width=128,
            layers=3,
            supervised=SupervisedConfig(
                epochs=22, learning_rate=2e-3, batch_tokens=2048, autocast=True
            ),
        )
        warmstart(config)
    return folder


def run_config(name: str, method: str, seed: int, updates: int, *more: str) -> TrainConfig:
    """What every method shares; `more` are overrides, such as an estimator's option."""
    env = [f"env.{key}={value}" for key, value in REGIMES[name].env().items()]
    return load_config(
        None,
        [
            *env,
            "env.split=train",
            f"policy={policy_folder(name)}",
            f"credit={method}",
            f"seed={seed}",
            f"updates={updates}",
            "rollout.questions=16",
            "rollout.group_size=8",
            "rollout.max_tokens=32",
            "optim.learning_rate=3e-4",
            "evaluation.every=5",
            "evaluation.questions=200",
            "checkpoint.every=40",
            *more,
        ],
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("regimes", nargs="*", default=list(REGIMES))
    for name in parser.parse_args().regimes:
        print(f"{name}: {make_policy(name)}")


if __name__ == "__main__":
    main()
