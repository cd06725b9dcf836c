"""A causal language model's log-probabilities of targets behind contexts given as text or ids."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from igs_agent.policy import Policy, load_policy, selected_log_probs
from igs_env.contexts import ScoreRequest, render_context
from igs_env.information_gain import LogProbs
from igs_env.types import Documents


class CausalLMScorer:
    """A causal language model's log-probabilities of a target behind a context given as text.

    The environment's scorer: it knows no trajectory, renders the episode and tokenises it. One
    padded forward per batch, logits only at the target's tokens. Also the naive reference that
    `PolicyScorer` is tested against.
    """

    name = "causal_lm"

    def __init__(self, policy: Policy, *, batch_size: int = 8) -> None:
        """Score with this model, `batch_size` sequences at a time."""
        self._policy, self._batch_size = policy, batch_size

    def token_log_probs(self, requests: Sequence[ScoreRequest]) -> list[LogProbs]:
        """See `AnswerScorer`: nats per token of the model's own tokenizer."""
        sequences = [self._sequence(request) for request in requests]
        order = sorted(range(len(sequences)), key=lambda i: len(sequences[i][0]))
        scored: dict[int, LogProbs] = {}
        for at in range(0, len(order), self._batch_size):
            chosen = order[at : at + self._batch_size]
            rows = token_log_probs(
                self._policy, [sequences[i][0] for i in chosen], [sequences[i][1] for i in chosen]
            )
            scored.update(zip(chosen, rows, strict=True))
        return [scored[index] for index in range(len(requests))]

    def _sequence(self, request: ScoreRequest) -> tuple[list[int], slice]:
        prompt = request.episode.prompt
        context = render_context(request)[len(prompt) :]
        ids = self._policy.encode_prompt(prompt) + self._policy.encode(context)
        target_ids, span = self._policy.encode_target(
            request.probe, request.target, request.probe_end
        )
        return ids + target_ids, slice(len(ids) + span.start, len(ids) + span.stop)


@torch.no_grad()
def token_log_probs(
    policy: Policy, sequences: Sequence[Sequence[int]], targets: Sequence[slice]
) -> list[LogProbs]:
    """Log-probabilities of a slice of each sequence, in one padded forward without a cache."""
    ids = padded([np.asarray(sequence) for sequence in sequences], policy.device)
    # Padding stands behind, where causal attention never looks: no mask is needed, and none can
    # hide a real token that has the padding's id (trap T4).
    hidden = policy.hidden_states(input_ids=ids)
    rows = []
    for row, (sequence, target) in enumerate(zip(sequences, targets, strict=True)):
        logits = policy.logits(hidden[row, target.start - 1 : target.stop - 1])
        wanted = torch.tensor(list(sequence[target]), device=logits.device)
        rows.append(selected_log_probs(logits, wanted, 1.0).double().cpu().numpy())
    return rows


def causal_lm(
    corpus: Documents, *, path: str, template: str | None = None, dtype: str = "float32"
) -> CausalLMScorer:
    """The environment's `scorer="igs_agent.scorer:causal_lm"`; arguments as of `load_policy`.

    `corpus` is not read; every scorer factory is given it.
    """
    del corpus
    return CausalLMScorer(load_policy(path, template=template, dtype=dtype))  # type: ignore[arg-type]


def padded(rows: Sequence[np.ndarray], device: torch.device) -> Tensor:
    """Rows of ids as one int64 tensor, zeros behind each."""
    padded = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    for index, row in enumerate(rows):
        padded[index, : len(row)] = row
    return torch.from_numpy(padded).to(device)
