"""Does TRL's trainer, with this project's episodes and credit, make `tiny` answer better?

    python -m benchmarks.quality.trl_tiny --output benchmarks/quality/results/trl_tiny.json

`IGGRPOTrainer` trains the shipped policy on the embedded world's train questions; before and after,
it answers the same dev questions greedily. Settings are those of the recipe `tiny-atlas`, where TRL
has them, with fewer updates; nothing was tuned for it. A run that was interrupted goes on from its
newest checkpoint. The interval is a paired bootstrap over questions of one seed: it says that this
run improved, not how much seeds differ.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from transformers.trainer_utils import get_last_checkpoint
from trl import GRPOConfig

from benchmarks.machine import machine
from igs_agent.adapters.trl import IGGRPOTrainer
from igs_agent.evaluation import evaluate
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import Policy, load_policy
from igs_agent.run import subset
from igs_agent.statistics import bootstrap_interval, paired_bootstrap
from igs_env.task import Task, make_task

WORLD: dict[str, Any] = {"protocol": "plain", "top_k": 1, "max_searches": 3, "hops": [1, 2]}
MAX_TOKENS = 40


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--updates", type=int, default=24)
    parser.add_argument("--questions", type=int, default=8, help="per update")
    parser.add_argument("--group-size", type=int, default=8)
    parser.add_argument("--dev", type=int, default=200, help="dev questions, the same every time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--folder", type=Path, default=Path("runs/trl-tiny"))
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    dev = make_task(**WORLD, split="dev", sampler="none")
    policy = load_policy("tiny", device="cpu")
    before = exact_matches(dev, policy, args.dev)
    start = time.process_time()
    trained = train(policy, args)
    seconds = time.process_time() - start
    after = exact_matches(dev, trained, args.dev)
    figures = {
        "before": str(bootstrap_interval(before)),
        "after": str(bootstrap_interval(after)),
        "rise": str(paired_bootstrap(after, before)),
    }
    for name, figure in figures.items():
        print(name, figure)
    if args.output:
        command = {k: v for k, v in vars(args).items() if k not in ("folder", "output")}
        record = {
            "machine": machine(),
            "command": command,
            "exact_match": figures,
            "training_cpu_seconds": round(seconds),
            "rows": {"before": before, "after": after},
        }
        args.output.write_text(json.dumps(record) + "\n", encoding="utf-8")


def train(policy: Policy, args: argparse.Namespace) -> Policy:
    """The policy after training with TRL, from the newest checkpoint if there is one."""
    rows = args.questions * args.group_size
    trainer = IGGRPOTrainer(
        policy,
        make_task(**WORLD, split="train", sampler="none"),
        GRPOConfig(
            output_dir=str(args.folder),
            seed=args.seed,
            max_steps=args.updates,
            learning_rate=3e-4,
            lr_scheduler_type="linear",
            warmup_steps=2,
            temperature=0.7,
            per_device_train_batch_size=rows // 2,
            gradient_accumulation_steps=2,
            num_generations=args.group_size,
            use_cpu=True,
            bf16=False,
            save_steps=8,
            save_total_limit=1,
            logging_steps=1,
            report_to="none",
            disable_tqdm=True,
        ),
        max_tokens=MAX_TOKENS,
    )
    folder = args.folder
    trainer.train(resume_from_checkpoint=get_last_checkpoint(folder) if folder.exists() else None)
    return trainer.policy


def exact_matches(dev: Task, policy: Policy, count: int) -> Sequence[float]:
    """One greedy episode per question."""
    with torch.no_grad():
        policy.model.eval()
        found = evaluate(
            dev.rules,
            policy,
            NativeGenerator(policy),
            subset(dev.questions, count),
            max_tokens=MAX_TOKENS,
        )
    return [row.exact_match for row in found.rows]


if __name__ == "__main__":
    main()
