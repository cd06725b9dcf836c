"""Padded scoring of whole texts: the padding is nowhere to be seen."""

from __future__ import annotations

import numpy as np
import torch

from igs_agent.policy import Policy
from igs_agent.text_scorer import token_log_probs


def test_t4_a_real_token_with_the_paddings_id_is_read_as_any_other(policy: Policy) -> None:
    """SmolLM2's and many others' padding is their end token, which texts hold; here it is 0."""
    eos, text = int(policy.tokenizer.eos_token_id), policy.encode("capital of Peru: Lima")
    rows = [[eos, *text, eos, 0, *text], [0, 0, *text[:2]], text]
    spans = [slice(1, len(row)) for row in rows]
    together = token_log_probs(policy, rows, spans)
    for row, span, scored in zip(rows, spans, together, strict=True):
        with torch.no_grad():  # transformers' own forward, nothing padded and nothing masked
            logits = policy.model(input_ids=torch.tensor([row])).logits[0, :-1].double()
        alone = logits.log_softmax(-1)[torch.arange(len(row) - 1), torch.tensor(row[span])]
        np.testing.assert_allclose(scored, alone.numpy(), atol=1e-5)
