"""What discrete actions can reach on single-hop questions, and what a linear policy learns of it.

    python -m benchmarks.quality.macro_actions --output FILE

Exact match on all single-hop dev questions of atlas, three documents per search. The linear policy
is a softmax over the answers after searching the question; its expected reward is climbed on train
questions by the exact gradient, as REINFORCE does by samples, and it is greedy on dev. The constant
pair is the one that is best on dev itself; the random answer is uniform over those that are right
for some question. Intervals are 95 % percentile bootstraps over questions.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gymnasium as gym
import numpy as np
from numpy.typing import NDArray

import igs_env  # noqa: F401 - registers the environments
from benchmarks.machine import machine
from igs_env.answers import exact_match
from igs_env.wrappers import EmbedObservation, QueryTemplateAction

DIMENSIONS, ROUNDS, RATE, RESAMPLES = 256, 400, 1.0, 2_000
PARTS = {"question and progress": ("question", "progress"), "observation": ("observation",)}
Table = NDArray[np.float64]
"""Exact match, shape (questions, searches, actions)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--train", type=int, default=1500, help="questions to fit on")
    parser.add_argument("--seed", type=int, default=0, help="of the bootstrap")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    fitted, train = outcomes("train", args.train, searches=1)
    asked, dev = outcomes("dev", 10**9, searches=3)
    answers = [i for i, row in enumerate(np.asarray(dev.any(axis=(0, 1)))) if row]
    best = np.unravel_index(dev.mean(axis=0).argmax(), dev.shape[1:])
    rows = {"ceiling": dev.max(axis=(1, 2))}
    for name, parts in PARTS.items():
        weights = climbed(vectors("train", fitted, parts), train[:, 0])
        chosen = (vectors("dev", asked, parts) @ weights).argmax(axis=1)
        rows[f"linear, {name}"] = dev[np.arange(len(dev)), 0, chosen]
    rows["best constant pair"] = dev[:, best[0], best[1]]
    rows["random answer after the question"] = dev[:, 0, answers].mean(axis=1)
    figures = {name: interval(row, args.seed) for name, row in rows.items()}
    result = {
        "command": {"train": args.train, "seed": args.seed},
        "machine": machine(),
        "questions": len(dev),
        "exact_match": figures,
    }
    if args.output:
        args.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    for name, (mean, low, high) in figures.items():
        print(f"| {name} | {mean:.3f} [{low:.3f}, {high:.3f}] |")


def outcomes(split: str, size: int, *, searches: int) -> tuple[list[str], Table]:
    """Question ids, and what each answer is worth after each of the first searches."""
    env: Any = QueryTemplateAction(gym.make("IGSearchQA-SingleHop-v0", split=split, sampler="none"))
    ids = [question.id for question in env.unwrapped.task.questions][:size]
    table = np.zeros((len(ids), searches, len(env.meanings)))
    for row, id in zip(table, ids, strict=True):
        for search in range(searches):
            env.reset(options={"question_id": id})
            golds = env.unwrapped.episode.question.answers
            env.step(search)
            row[search] = [c.kind == "answer" and exact_match(c.text, golds) for c in env.choices()]
    return ids, table


def vectors(split: str, ids: Sequence[str], parts: Sequence[str]) -> NDArray[np.float32]:
    """What an agent sees at reset, one row per question."""
    env = EmbedObservation(
        gym.make("IGSearchQA-SingleHop-v0", split=split, sampler="none"),
        encoder_kwargs={"dimensions": DIMENSIONS},
        parts=parts,
    )
    return np.stack([env.reset(options={"question_id": id})[0] for id in ids])


def climbed(observed: NDArray[np.float32], rewards: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights of the softmax policy after steps of length RATE up the expected reward."""
    weights = np.zeros((observed.shape[1], rewards.shape[1]))
    for _ in range(ROUNDS):
        logits = observed @ weights
        chances = np.exp(logits - logits.max(axis=1, keepdims=True))
        chances /= chances.sum(axis=1, keepdims=True)
        better = rewards - (chances * rewards).sum(axis=1, keepdims=True)
        gradient = observed.T @ (chances * better)
        weights += RATE * gradient / max(float(np.linalg.norm(gradient)), 1e-9)
    return weights


def interval(values: NDArray[np.float64], seed: int) -> tuple[float, float, float]:
    """Mean, and the 95 % percentile bootstrap of it."""
    drawn = np.random.default_rng(seed).integers(len(values), size=(RESAMPLES, len(values)))
    low, high = np.quantile(values[drawn].mean(axis=1), (0.025, 0.975))
    return float(values.mean()), float(low), float(high)


if __name__ == "__main__":
    main()
