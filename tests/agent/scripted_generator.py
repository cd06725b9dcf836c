"""A generator that writes scripted outputs with a policy's real probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import torch

from igs_agent.generation import Completion, Request, Sampling
from igs_agent.policy import Policy
from igs_agent.text_scorer import token_log_probs


class ScriptedGenerator:
    """Writes `script(key, turn)`, tokenised, instead of sampling."""

    def __init__(self, policy: Policy, script: Callable[[str, int], str]) -> None:
        self._policy, self._script = policy, script

    @torch.no_grad()
    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Completion]:
        completions = []
        for request in requests:
            ids = self._policy.encode(self._script(request.key, request.turn))
            context = list(request.token_ids)
            (row,) = token_log_probs(
                self._policy, [context + ids], [slice(len(context), len(context) + len(ids))]
            )
            completions.append(Completion(token_ids=ids, log_probs=row.tolist(), finish="action"))
        return completions

    def release(self, keys: Iterable[str]) -> None:
        """Nothing is kept."""
