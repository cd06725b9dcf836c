"""Does the information gain help agents that are no language models? Tianshou's, on macro actions.

    python -m benchmarks.quality.tianshou --preset single-hop
    python -m benchmarks.quality.tianshou --preset multi-hop --seeds 0 1 2 \
        --algorithms PPO IGModulatedGRPO
    python -m benchmarks.quality.tianshou --table --output benchmarks/quality/results/tianshou.json

Unmodified Tianshou algorithms and `IGModulatedGRPO` train on train questions with a fixed number
of environment steps. Success is exact match on every question of the split, one greedy episode
each. With the gain, PPO, DQN and Reinforce see `InformationGainReward` in training (never in the
success that is reported), and IGModulatedGRPO its own modulation. Every run is a JSON file of its
own in the folder: one that is there is not repeated. One thread, seconds of CPU time.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tianshou.data import Batch, Collector, VectorReplayBuffer

from benchmarks.machine import machine
from benchmarks.quality.tianshou_agents import RECIPES, Spaces
from benchmarks.quality.tianshou_table import table
from igs_agent.adapters.tianshou import NativeVectorEnv, macro_vector_env

BETA = 0.1
"""Reward per nat of gain, a third of the α of IG-Search; not tuned."""
STEPS, EVERY = 49_152, 4_096
Choose = Callable[[Any, Any], Any]
"""(observations, generator) → an action per row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One run."""

    preset: str
    algorithm: str
    gain: bool
    seed: int
    learning_rate: float
    split: str
    curve: list[tuple[int, float, float]]
    """(environment steps, success, searches per episode); the first before training."""
    seconds: float
    """CPU time of training, evaluations apart."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--preset", default="single-hop", choices=["single-hop", "multi-hop"])
    parser.add_argument("--algorithms", nargs="+", default=list(RECIPES))
    parser.add_argument("--gain", nargs="+", default=["off", "on"], choices=["off", "on"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--split", default="test", help="dev to tune on")
    parser.add_argument("--rate", type=float, help="learning rate in place of the recipe's")
    parser.add_argument("--folder", type=Path, default=Path("runs/tianshou"))
    parser.add_argument("--table", action="store_true", help="no runs, only what is there")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    torch.set_num_threads(1)
    if not args.table:
        for seed in args.seeds:
            for name in args.algorithms:
                for gain in args.gain:
                    run_once(args, name, gain == "on", seed)
        return
    rows = [json.loads(path.read_text()) for path in sorted(args.folder.glob("*.json"))]
    presets = sorted({row["preset"] for row in rows}, reverse=True)
    baselines = {preset: fixed(preset, args.split) for preset in presets}
    print(table(rows, baselines))
    if args.output:
        record = {"machine": machine(), "command": sys.argv[1:], "steps": STEPS, "beta": BETA}
        record |= {"baselines": baselines, "rows": rows}
        args.output.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def run_once(args: argparse.Namespace, name: str, gain: bool, seed: int) -> None:
    """Train and write the row, unless it is there."""
    rate = args.rate or RECIPES[name].learning_rate
    arm = "gain" if gain else "plain"
    path = args.folder / f"{args.preset}-{name}-{arm}-{args.split}-{rate:g}-{seed}.json"
    if path.exists():
        return
    outcome = train(args.preset, name, gain, seed, rate, args.split)
    args.folder.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(asdict(outcome)) + "\n", encoding="utf-8")
    print(path.name, f"{outcome.curve[-1]} {outcome.seconds:.0f} s", flush=True)


def train(preset: str, name: str, gain: bool, seed: int, rate: float, split: str) -> Outcome:
    """One run from a new network."""
    recipe = RECIPES[name]
    np.random.seed(seed)  # noqa: NPY002 - Tianshou draws minibatches by it
    torch.manual_seed(seed)
    measured: dict[str, Any] = {} if gain else {"sampler": "none"}
    beta = BETA if gain and recipe.gain_in_reward else 0.0
    native = macro_vector_env(preset, num_envs=recipe.num_envs, beta=beta, **measured)
    envs = NativeVectorEnv(native, group_size=recipe.group_size)
    envs.seed(seed * 10_000)
    shape = native.single_observation_space.shape
    assert shape is not None
    spaces = Spaces(action_space=native.single_action_space, length=shape[0])
    algorithm = recipe.make(spaces, rate, gain)
    buffer = VectorReplayBuffer(20_480, recipe.num_envs)
    curve: list[tuple[int, float, float]] = []
    spent = 0.0

    def before(epoch: int, step: int) -> None:
        nonlocal spent
        recipe.explore(algorithm, step / STEPS)
        start = time.process_time()
        if step >= len(curve) * EVERY:
            curve.append((step, *play(preset, split, greedy(algorithm), seed)))
        spent += time.process_time() - start

    start = time.process_time()
    algorithm.run_training(
        recipe.parameters(
            training_collector=Collector(algorithm, envs, buffer, exploration_noise=True),
            max_epochs=1,
            epoch_num_steps=STEPS,
            training_fn=before,
            verbose=False,
            show_progress=False,
            **recipe.schedule,
        )
    )
    seconds = time.process_time() - start - spent
    curve.append((STEPS, *play(preset, split, greedy(algorithm), seed)))
    return Outcome(
        preset=preset,
        algorithm=name,
        gain=gain,
        seed=seed,
        learning_rate=rate,
        split=split,
        curve=curve,
        seconds=seconds,
    )


def greedy(algorithm: Any) -> Choose:
    """The most likely, or most valued, action."""

    def choose(observations: Any, random: Any) -> Any:
        with torch.no_grad():
            found = algorithm.policy(Batch(obs=observations, info=Batch()))
        return found.logits.argmax(dim=1).numpy()

    return choose


def play(preset: str, split: str, choose: Choose, seed: int = 0) -> tuple[float, float]:
    """(success, searches per episode) over every question of the split, one episode each."""
    envs, ids = evaluation_envs(preset, split)
    random = np.random.default_rng(seed)
    observations, infos = envs.reset(seed=seed, options={"question_ids": list(ids)})
    success, searches = np.zeros(len(ids)), np.zeros(len(ids))
    over = np.zeros(len(ids), dtype=bool)
    while not over.all():
        observations, rewards, terminated, truncated, infos = envs.step(
            choose(observations, random)
        )
        success += rewards
        searches = np.where(over, searches, infos["searches"])
        over |= terminated | truncated
    return float(success.mean()), float(searches.mean())


@lru_cache(maxsize=2)
def evaluation_envs(preset: str, split: str) -> tuple[Any, tuple[str, ...]]:
    """As many environments as there are questions, and the questions' ids."""
    native: Any = macro_vector_env(preset, num_envs=1, split=split, sampler="none").unwrapped
    ids = tuple(question.id for question in native.task.questions)
    return macro_vector_env(preset, num_envs=len(ids), split=split, sampler="none"), ids


def fixed(preset: str, split: str) -> dict[str, Any]:
    """Agents that learn nothing: five random ones, and every script of one search, one answer."""
    envs, _ = evaluation_envs(preset, split)
    count, layer = envs.single_action_space.n, envs
    while not hasattr(layer, "meanings"):
        layer = layer.env  # vector wrappers do not pass attributes on
    scripts = {
        meaning: play(preset, split, script(index))[0]
        for index, meaning in enumerate(layer.meanings)
        if meaning.startswith("answer")
    }
    return {
        "random": [play(preset, split, uniform(count), seed)[0] for seed in range(5)],
        "scripts": scripts,
    }


def script(answer: int) -> Choose:
    """Search the question, then give always the same kind of answer."""
    plan = iter((0,))
    return lambda rows, random: np.full(len(rows), next(plan, answer))


def uniform(count: int) -> Choose:
    """Any of the actions."""
    return lambda rows, random: random.integers(count, size=len(rows))


if __name__ == "__main__":
    main()
