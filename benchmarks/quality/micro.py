"""Micro worlds: made-up facts, one per passage, and a policy of 0.4 million parameters.

    python -m benchmarks.quality.micro            # warm-starts the policies of all regimes

A regime is a world and a policy that was warm-started on it. One base policy learns to copy names
and to read, on gold queries; each regime's own policy goes on from there for a few epochs on
demonstrations of mixed quality. Policies are made once, kept in `runs/micro`, and the same for
every method and seed.
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
WORLD = "fiction:documents=6000,facts=1,words=0,paraphrase=1,distractors=0,link_noise=0"
"""6,000 passages of one sentence: what is asked of a search is whom it names."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A world and how well its policy searches to begin with."""

    hops: str
    good_queries: float
    """Share of searches that the demonstrations get right."""
    seed: int = 0
    """Of the world. Methods were developed on world 0."""
    temperature: float = 1.0
    """At which rollouts are sampled."""
    start: str = ""
    """Regime whose policy it starts from; empty for one of its own."""

    def env(self) -> dict[str, Any]:
        """Keyword arguments of the environment."""
        return world(self.hops, self.seed)


def world(hops: str, seed: int = 0) -> dict[str, Any]:
    """Keyword arguments of the environment, with questions of so many hops."""
    questions = f"{WORLD},hops={hops},questions=3000,seed={seed}"
    return {"questions": questions, "protocol": "plain", "top_k": 1, "max_searches": 4}


SIZE = ("rollout.questions=8", "rollout.group_size=8", "evaluation.questions=100")
"""How much is played per update and per evaluation."""
EVERY = 10
"""Updates between evaluations."""
NO_CHECKPOINT = 1000
"""More updates than any run has: but for the last, none is kept."""

REGIMES: Mapping[str, Regime] = {
    "two-hops": Regime(hops="1-2", good_queries=0.3),
    "three-hops": Regime(hops="3", good_queries=0.4),
    "three-hops-weak": Regime(hops="3", good_queries=0.35),
    "unseen": Regime(hops="3", good_queries=0.35, seed=100),
    "unseen-cool": Regime(hops="3", good_queries=0.35, seed=100, temperature=0.5, start="unseen"),
    "unseen-rare": Regime(hops="3", good_queries=0.25, seed=100, temperature=0.5),
}
"""Short and fair, long and fair, long from a weak start: where outcome credit works, where it gets
rare, and where hardly any rollout succeeds. The last again in a world that no method was developed
on; there again with rollouts that are nearer to what the policy holds for best; and those from a
policy that hardly ever succeeds even so."""


def policy_folder(name: str) -> Path:
    """Where a policy is, of a regime that has one of its own or `base`."""
    return FOLDER / "policies" / name


def make_base(seed: int = 0) -> Path:
    """The policy that copies a world's names and reads, unless it is there."""
    folder = policy_folder(f"base-{seed}" if seed else "base")
    if not (folder / "warmstart.json").is_file():
        first_turns, excerpts = 10, 7
        warmstart(
            WarmstartConfig(
                output=str(folder),
                env=world("1-3", seed),
                first_turns=first_turns,
                excerpts=excerpts,
                documents=0.0,
                vocabulary=1024,
                width=96,
                layers=3,
                half=False,
                supervised=SupervisedConfig(
                    epochs=first_turns + excerpts,
                    learning_rate=4e-3,
                    batch_tokens=2048,
                    autocast=True,
                ),
            )
        )
    return folder


def make_policy(name: str) -> Path:
    """Warm-start a regime's policy from the base, unless it is there."""
    regime = REGIMES[name]
    if regime.start:
        return make_policy(regime.start)
    folder = policy_folder(name)
    if not (folder / "warmstart.json").is_file():
        style = DemonstrationStyle(
            good_queries=regime.good_queries, vague_queries=0.8 - regime.good_queries
        )
        warmstart(
            WarmstartConfig(
                output=str(folder),
                policy=str(make_base(regime.seed)),
                env=regime.env(),
                style=style,
                documents=0.0,
                half=False,
                supervised=SupervisedConfig(
                    epochs=3, learning_rate=1e-3, batch_tokens=2048, autocast=True
                ),
            )
        )
    return folder


def run_config(name: str, method: str, seed: int, updates: int, *more: str) -> TrainConfig:
    """What every method shares; `more` are overrides, such as an estimator's option."""
    regime = REGIMES[name]
    env = [f"env.{key}={value}" for key, value in regime.env().items()]
    return load_config(
        None,
        [
            *env,
            "env.split=train",
            f"policy={policy_folder(regime.start or name)}",
            f"credit={method}",
            f"seed={seed}",
            f"updates={updates}",
            *SIZE,
            "rollout.max_tokens=32",
            f"rollout.temperature={regime.temperature}",
            "optim.autocast=true",
            f"evaluation.every={EVERY}",
            f"checkpoint.every={NO_CHECKPOINT}",
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
