"""How much of `atlas` can be answered without searching, by a policy that was trained for it?

    python -m benchmarks.quality.closed_book --output benchmarks/quality/results/closed_book.json

A policy of the shipped one's size and tokenizer reads every passage of the corpus as plain text and
every train question with its answer, and nothing is ever retrieved. Its exact match on dev says how
much memory and luck are worth: facts of the passages, frequent answers, one of the two names that a
comparison offers. The bar is on the highest exact match on dev after any epoch, so that neither
too little nor too much training flatters it. When interrupted, it goes on after its last whole
epoch.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from igs_agent.evaluation import Evaluation, evaluate
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import Policy, load_policy
from igs_agent.warmstart.examples import Example, document_example
from igs_agent.warmstart.sft import SupervisedConfig, train_supervised
from igs_agent.warmstart.tiny import new_tiny
from igs_env.task import Task, make_task
from igs_env.transition import begin


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--epochs", type=int, default=5, help="passes over the train questions")
    parser.add_argument("--readings", type=int, default=1, help="passes over the corpus")
    parser.add_argument("--progress", type=Path, default=Path("runs/closed-book"))
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    train, dev = (
        make_task(protocol="plain", split=split, sampler="none") for split in ("train", "dev")
    )
    policy = new_tiny(load_policy("tiny").tokenizer, width=192, layers=4)
    settings = SupervisedConfig(
        epochs=args.epochs, learning_rate=2e-3, batch_tokens=2048, autocast=True
    )
    args.progress.mkdir(parents=True, exist_ok=True)

    def examples(epoch: int) -> list[Example]:
        if epoch:
            _note(args.progress, epoch, _answered(policy, dev).mean("exact_match"))
        return _examples(policy, train, epoch, args.epochs, args.readings)

    loss = train_supervised(policy, examples, settings, progress=args.progress)
    scores = [_answered(policy, task) for task in (train, dev)]
    curve = _note(args.progress, args.epochs, scores[1].mean("exact_match"))
    kinds = {
        kind: (part.mean("exact_match"), len(part.rows))
        for kind, part in scores[1].by(lambda row: f"{row.kind}, {row.hops} hops").items()
    }
    record = {
        "command": "python -m benchmarks.quality.closed_book",
        "machine": machine(),
        "parameters": sum(weights.numel() for weights in policy.model.parameters()),
        "seed": settings.seed,
        "epochs": args.epochs,
        "readings": args.readings,
        "final_loss": loss,
        "dev_exact_match_after_epoch": curve,
        "highest_dev_exact_match": max(curve),
        "train_exact_match": str(scores[0].interval("exact_match")),
        "dev_exact_match": str(scores[1].interval("exact_match")),
        "dev_by_kind": kinds,
    }
    print(json.dumps(record, indent=1))
    if args.output:
        args.output.write_text(json.dumps(record, indent=1) + "\n")


def _examples(policy: Policy, task: Task, epoch: int, epochs: int, readings: int) -> list[Example]:
    """Every question, and the share of the corpus that makes `readings` passes in all."""
    asked = []
    for question in task.questions:
        prompt = begin(task.rules, question, group_id="", seed=0).prompt
        ids = policy.encode_prompt(prompt)
        answer = policy.encode(f"<answer> {question.answers[0]} </answer>")
        learned = np.array([False] * len(ids) + [True] * len(answer))
        asked.append(Example(np.array([*ids, *answer]), learned))
    order = np.random.default_rng(0).permutation(len(task.corpus))
    at = np.arange(len(order) * readings // epochs) + epoch * len(order) * readings // epochs
    read = [task.corpus[int(order[place % len(order)])] for place in at]
    return asked + [document_example(policy, document) for document in read]


def _note(progress: Path, epoch: int, exact_match: float) -> list[float]:
    """The curve of exact match on dev up to this epoch, kept in a file for a resumption."""
    file = progress / "curve.json"
    before = json.loads(file.read_text()) if file.exists() else []
    curve = [*before[: epoch - 1], exact_match]
    file.write_text(json.dumps(curve))
    print(f"after epoch {epoch}: exact match {exact_match:.3f} on dev", flush=True)
    return curve


def _answered(policy: Policy, task: Task) -> Evaluation:
    questions = task.questions[:1000]
    return evaluate(task.rules, policy, NativeGenerator(policy), questions, max_tokens=24)


if __name__ == "__main__":
    main()
