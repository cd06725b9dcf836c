"""The tokens of a batch that are learned from, and their log-probabilities under a policy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from igs_agent.policy import Policy, selected_log_probs
from igs_agent.signals import TokenBatch
from igs_agent.tree import TokenTree, shares_prefixes, tree_hidden_states


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedTokens:
    """Trained tokens of R rollouts of at most T tokens, n in all, and what must be read for them.

    Rollouts that begin alike share what stands before their first trained token, the prompt; what
    follows the last one is not read at all.
    """

    mask: Bool[Tensor, "R T"]
    """False in the first column, which nothing predicts."""
    ids: Int[Tensor, " n"]
    """Row by row, as in the mask."""
    tree: TokenTree
    predicted_at: Int[Tensor, " n"]
    """Packed token of the tree behind which each is predicted."""

    def log_probs(self, policy: Policy, temperature: float) -> Float[Tensor, " n"]:
        """Under the tempered policy, with gradient.

        Logits are computed at these tokens only, since documents are most of a rollout and none
        of its loss.
        """
        if not len(self.ids):
            return torch.zeros(0, device=policy.device)
        hidden = tree_hidden_states(policy, self.tree)
        logits = policy.logits(hidden[self.predicted_at.to(hidden.device)])
        return selected_log_probs(logits, self.ids.to(logits.device), temperature)


def trained_tokens(batch: TokenBatch, *, share: bool) -> TrainedTokens:
    """Those of the batch.

    Args:
        batch: of rollouts; those of a group stand side by side.
        share: whether equal prompts are read once, which pays where `shares_prefixes` says so.
    """
    mask = batch.trained.clone()
    mask[:, 0] = False
    tree, prompts, ends = TokenTree(), dict[bytes, int](), list[tuple[int, np.ndarray]]()
    for row, trained in zip(batch.ids.numpy(), mask.numpy(), strict=True):
        columns = trained.nonzero()[0]
        if not len(columns):
            continue
        shared = columns[0] if share else columns[-1]
        prompt, own = row[:shared], row[shared : columns[-1]]
        key = prompt.tobytes()
        root = prompts[key] if share and key in prompts else tree.add(prompt)
        prompts[key] = root
        ends.append((tree.add(own, root) if len(own) else root, columns - 1))
    places = [tree.path(span)[columns] for span, columns in ends]
    found = np.concatenate([np.zeros(0, dtype=np.int64), *places])
    return TrainedTokens(
        mask=mask, ids=batch.ids[mask], tree=tree, predicted_at=torch.from_numpy(found)
    )


def trained_log_probs(
    policy: Policy, batch: TokenBatch, temperature: float
) -> tuple[Float[Tensor, " n"], Bool[Tensor, "R T"]]:
    """(log-probability of each trained token, which tokens those are), with gradient."""
    tokens = trained_tokens(batch, share=shares_prefixes(policy))
    return tokens.log_probs(policy, temperature), tokens.mask
