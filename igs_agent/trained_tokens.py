"""The tokens of a batch that are learned from, and their log-probabilities under a policy."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from igs_agent.head_log_probs import head_log_probs
from igs_agent.policy import Policy
from igs_agent.signals import TokenBatch
from igs_agent.tree import TokenTree, distinct_predictions, shares_prefixes, tree_hidden_states


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class TrainedTokens:
    """Trained tokens of R rollouts of at most T tokens, n in all, and what must be read for them.

    Rollouts share what they begin with, the prompt and whatever several of them wrote alike; what
    follows the last trained token is not read at all.
    """

    mask: Bool[Tensor, "R T"]
    """False in the first column, which nothing predicts."""
    ids: Int[Tensor, " n"]
    """Row by row, as in the mask."""
    tree: TokenTree
    predicted_at: Int[np.ndarray, " n"]
    """Packed token of the tree behind which each is predicted."""

    def log_probs(self, policy: Policy, temperature: float) -> Float[Tensor, " n"]:
        """Under the tempered policy, with gradient.

        Logits are computed at these tokens only, since documents are most of a rollout and none
        of its loss.
        """
        if not len(self.ids):
            return torch.zeros(0, device=policy.device)
        hidden = tree_hidden_states(policy, self.tree)
        places, ids, which = (
            torch.from_numpy(found).to(hidden.device)
            for found in distinct_predictions(self.predicted_at, self.ids.numpy())
        )
        return head_log_probs(policy, hidden[places], ids, temperature)[which]


def trained_tokens(batch: TokenBatch, *, share: bool) -> TrainedTokens:
    """Those of the batch.

    Args:
        batch: of rollouts.
        share: whether equal beginnings are read once, which pays where `shares_prefixes` says so.
    """
    mask = batch.trained.clone()
    mask[:, 0] = False
    tree, places = TokenTree(), [np.zeros(0, dtype=np.int64)]
    added: list[tuple[int, np.ndarray]] = []
    for number, (row, trained) in enumerate(zip(batch.ids.numpy(), mask.numpy(), strict=True)):
        columns = trained.nonzero()[0]
        if len(columns):
            sequence = tree.add(row[: columns[-1]], None if share else number)
            added.append((sequence, columns - 1))
    places += [tree.path(sequence)[before] for sequence, before in added]
    return TrainedTokens(
        mask=mask, ids=batch.ids[mask], tree=tree, predicted_at=np.concatenate(places)
    )


def trained_log_probs(
    policy: Policy, batch: TokenBatch, temperature: float
) -> tuple[Float[Tensor, " n"], Bool[Tensor, "R T"]]:
    """(log-probability of each trained token, which tokens those are), with gradient."""
    tokens = trained_tokens(batch, share=shares_prefixes(policy))
    return tokens.log_probs(policy, temperature), tokens.mask
