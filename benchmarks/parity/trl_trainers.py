"""What TRL's trainers compute from given rewards and log-probabilities.

In an environment that already has torch, transformers, accelerate and datasets:

    pip install --no-deps trl==1.16.0
    python -m benchmarks.parity.trl_trainers

The trainers are TRL's own, over a model of two tokens' width: only what a model would have
predicted is replaced by the recorded log-probabilities.
"""

from __future__ import annotations

import os
import tempfile
from importlib.metadata import version
from typing import Any

os.environ.setdefault("HF_HUB_OFFLINE", "1")

import torch
from datasets import Dataset
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
from trl import GRPOConfig, GRPOTrainer, RLOOConfig, RLOOTrainer

from benchmarks.parity.record import ragged_batch, write

SIZE, WIDTH = 4, 8
BETA = 0.05


def main() -> None:
    """Record four batches."""
    cases = []
    for seed in range(4):
        # TRL's groups are of equal size and stand together.
        batch = ragged_batch(seed)
        inputs = {name: values[: 3 * SIZE] for name, values in batch.items() if name != "group"}
        inputs["group"] = [row // SIZE for row in range(3 * SIZE)]
        if seed % 2:
            inputs["rewards"][:SIZE] = [0.5] * SIZE
        options = {"clip_low": 0.2, "clip_high": 0.28, "beta": BETA, "constant_length": WIDTH}
        outputs = {
            "grpo": advantages(GRPOTrainer, GRPOConfig, inputs, scale_rewards="group"),
            "dr_grpo": advantages(GRPOTrainer, GRPOConfig, inputs, scale_rewards="none"),
            "rloo": advantages(RLOOTrainer, RLOOConfig, inputs, normalize_advantages=False),
            "token_mean": loss(inputs, loss_type="bnpo"),
            "constant": loss(inputs, loss_type="dr_grpo"),
            # TRL's default multiplies k3 by the ratio (DeepSeek-V3.2); GRPO's k3 is plain.
            "token_mean_with_kl": loss(
                inputs, BETA, loss_type="bnpo", use_bias_correction_kl=False
            ),
        }
        cases.append({"inputs": inputs, "options": options, "outputs": outputs})
    made_by = {
        "command": "python -m benchmarks.parity.trl_trainers",
        "trl": version("trl"),
        "functions": "GRPOTrainer and RLOOTrainer: _generate_and_score_completions, compute_loss",
    }
    write("trl", made_by, cases)


def advantages(trainer: Any, config: Any, inputs: dict[str, Any], **options: Any) -> list[float]:
    """What the trainer makes of the recorded rewards."""

    def reward(completions: list[Any], **_: Any) -> list[float]:
        return list(inputs["rewards"][: len(completions)])

    built = _trainer(trainer, config, reward, **options)
    prompts = [{"prompt": f"q{group}"} for group in inputs["group"]]
    scored = built._generate_and_score_completions(prompts)
    return [float(value) for value in scored["advantages"]]


def loss(inputs: dict[str, Any], beta: float = 0.0, **options: Any) -> dict[str, Any]:
    """Loss and its gradient with respect to the recorded log-probabilities."""
    own = torch.tensor(inputs["log_probs"], dtype=torch.float64, requires_grad=True)

    class Recorded(GRPOTrainer):
        def _get_per_token_logps_and_entropies(self, *_: Any, **__: Any) -> Any:
            return own, torch.zeros_like(own), None

    built = _trainer(Recorded, GRPOConfig, lambda completions, **_: [0.0], **options)
    ids = torch.zeros_like(own, dtype=torch.long)
    mask = torch.tensor(inputs["mask"]).long()
    built.current_gradient_accumulation_steps = 1
    built.beta = beta
    value = built.compute_loss(
        built.model,
        {
            "prompt_ids": ids[:, :1],
            "prompt_mask": torch.ones_like(ids[:, :1]),
            "completion_ids": ids,
            "completion_mask": mask,
            "advantages": torch.tensor(inputs["advantages"], dtype=torch.float64),
            "old_per_token_logps": torch.tensor(inputs["old_log_probs"], dtype=torch.float64),
            "ref_per_token_logps": torch.tensor(inputs["ref_log_probs"], dtype=torch.float64),
        },
    )
    (gradient,) = torch.autograd.grad(value, own)
    return {"loss": float(value.detach()), "gradient": gradient.tolist()}


def _trainer(trainer: Any, config: Any, reward: Any, **options: Any) -> Any:
    tokenizer = _tokenizer()
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=2,
            intermediate_size=2,
            num_hidden_layers=1,
            num_attention_heads=1,
            pad_token_id=0,
            eos_token_id=1,
        )
    )
    # A reference model would be looked for on the hub: its weight is set after construction.
    settings = config(
        beta=0.0,
        epsilon=0.2,
        epsilon_high=0.28,
        output_dir=tempfile.mkdtemp(),
        use_cpu=True,
        bf16=False,
        report_to=[],
        num_generations=SIZE,
        per_device_train_batch_size=3 * SIZE,
        max_completion_length=WIDTH,
        **options,
    )
    questions = Dataset.from_list([{"prompt": f"q{group}"} for group in range(3)])
    return trainer(
        model=model,
        reward_funcs=reward,
        args=settings,
        train_dataset=questions,
        processing_class=tokenizer,
    )


def _tokenizer() -> PreTrainedTokenizerFast:
    words = {"<pad>": 0, "<eos>": 1, "q0": 2, "q1": 3, "q2": 4, "<unk>": 5}
    tokenizer = Tokenizer(models.WordLevel(words, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="<eos>", unk_token="<unk>"
    )


if __name__ == "__main__":
    main()
