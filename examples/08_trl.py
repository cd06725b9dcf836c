"""TRL's GRPO trainer on whole search episodes, with the gain on the tokens of every query.

One step of the shipped policy; `--steps 24 --questions 8 --group-size 8` improves it.
SmolLM2-135M, warm-started by the two commands in docs/real-models.md:
`--policy runs/smollm2-warm --steps 60 --learning-rate 1e-5`.
"""

from __future__ import annotations

import argparse

import torch
from trl import GRPOConfig

from igs_agent.adapters.trl import IGGRPOTrainer
from igs_env.task import make_task

parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
parser.add_argument("--policy", default="tiny", help="tiny, or a folder of a causal language model")
parser.add_argument("--steps", type=int, default=1)
parser.add_argument("--questions", type=int, default=2, help="per step")
parser.add_argument("--group-size", type=int, default=4, help="rollouts per question")
parser.add_argument("--learning-rate", type=float, default=3e-4)
parser.add_argument("--output", default="runs/trl")
args = parser.parse_args()

trainer = IGGRPOTrainer(
    args.policy,
    make_task(protocol="plain", top_k=1, max_searches=3, hops=[1, 2], split="train"),
    GRPOConfig(
        output_dir=args.output,
        max_steps=args.steps,
        learning_rate=args.learning_rate,
        per_device_train_batch_size=args.questions * args.group_size,
        num_generations=args.group_size,
        use_cpu=not torch.cuda.is_available(),
        bf16=torch.cuda.is_available(),
        save_strategy="no",
        logging_steps=1,
        report_to="none",
    ),
    max_tokens=40,
)
trainer.train()
last = trainer.state.log_history[-2]
print(f"reward {last['reward']:.2f}, gain {last['gain/mean']:.2f} nats per answer token")
