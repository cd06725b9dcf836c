"""`tiny`: a small Llama with a BPE tokenizer of its own, for experiments on a laptop."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from igs_agent.policy import Policy

END, PAD = "<|end|>", "<|pad|>"


def train_tokenizer(texts: Iterable[str], vocabulary: int) -> Any:
    """Byte-level BPE (Sennrich et al. 2016, arXiv 1508.07909) over the texts.

    Digits are tokens of their own. The control tags are plain text, as for any policy.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Digits(individual_digits=True),
            pre_tokenizers.ByteLevel(add_prefix_space=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=[PAD, END],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, eos_token=END, pad_token=PAD)


def new_tiny(
    tokenizer: Any, *, width: int = 256, layers: int = 6, context: int = 2048, seed: int = 0
) -> Policy:
    """An untrained policy: heads of 32 (small ones learn to copy sooner), tied embeddings."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        intermediate_size=width * 5 // 2,
        num_hidden_layers=layers,
        num_attention_heads=width // 32,
        num_key_value_heads=width // 32,
        max_position_embeddings=context,
        tie_word_embeddings=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
        bos_token_id=None,
    )
    return Policy(LlamaForCausalLM(config).eval(), tokenizer, "plain", "tiny")
