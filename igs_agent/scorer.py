"""Log-probabilities of answers under the policy that rolled out, on its exact token ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
import torch

from igs_agent.branches import Branch, Branches
from igs_agent.policy import Policy, selected_log_probs
from igs_agent.text_scorer import CausalLMScorer, causal_lm
from igs_agent.trajectory import Trajectory
from igs_agent.tree import TokenTree, shares_prefixes, tree_hidden_states
from igs_env.contexts import ScoreRequest
from igs_env.information_gain import LogProbs

# `igs_agent.scorer:causal_lm` is the name that environments are given.
__all__ = ["CausalLMScorer", "PolicyScorer", "causal_lm"]

Asked = list[tuple[int, Branch]]
"""What is asked about one episode, with each request's place in the call."""


class PolicyScorer:
    """The policy's own log-probabilities on the exact ids that it read and wrote.

    All contexts of a group are one tree of tokens (`igs_agent.tree`), and each of its tokens goes
    through the model once: the group's prompt, its trajectories as far as anything is asked about
    them, and behind them what every context has of its own.

    Always at temperature 1, however the rollouts were sampled: a gain is what the model believes,
    and its stages (δ, η) are set in nats of that belief. A tempered softmax would stretch both.
    """

    name = "policy"

    def __init__(
        self,
        policy: Policy,
        trajectories: Iterable[Trajectory],
        *,
        max_tokens: int = 16_384,
        autocast: bool = False,
    ) -> None:
        """Score requests on episodes of these trajectories.

        Args:
            policy: π_old, before the update.
            trajectories: their episodes' ids are looked up.
            max_tokens: most tokens in one forward; one episode's are never divided.
            autocast: matrix products in bfloat16; the logits stay in the policy's own precision.
        """
        self._policy, self._max_tokens, self._autocast = policy, max_tokens, autocast
        self._branches = Branches(policy, trajectories)
        self.forward_tokens = 0
        """Tokens that went through the model."""

    @torch.no_grad()
    def token_log_probs(self, requests: Sequence[ScoreRequest]) -> list[LogProbs]:
        """See `AnswerScorer`. Raises `ConfigurationError` for an episode without a trajectory."""
        asked: dict[str, Asked] = {}
        for index, request in enumerate(requests):
            branch = self._branches.branch(request)
            asked.setdefault(request.episode.id, []).append((index, branch))
        scored: dict[int, LogProbs] = {}
        for episodes in self._chunks(asked):
            scored.update(self._score({id: asked[id] for id in episodes}))
        return [scored[index] for index in range(len(requests))]

    def _chunks(self, asked: dict[str, Asked]) -> Iterator[list[str]]:
        """Episodes that are scored together; those of a group stand side by side."""
        groups: dict[str, list[str]] = {}
        for id in asked:
            groups.setdefault(self._branches.trajectory(id).episode.group_id, []).append(id)
        chunk: list[str] = []
        size = 0
        for id in (id for group in groups.values() for id in group):
            own = _read_before(asked[id]) + sum(len(branch.ids) for _, branch in asked[id])
            if chunk and size + own > self._max_tokens:
                yield chunk
                chunk, size = [], 0
            chunk.append(id)
            size += own
        if chunk:
            yield chunk

    def _score(self, asked: dict[str, Asked]) -> dict[int, LogProbs]:
        tree, targets = TokenTree(), []
        prompts: dict[bytes, int] = {}
        share = shares_prefixes(self._policy)
        for id, branches in asked.items():
            trajectory = self._branches.trajectory(id)
            read = trajectory.token_ids[: _read_before(branches)]
            shared = trajectory.turns[0].start if share else len(read)
            prompt, own = read[:shared], read[shared:]
            key = prompt.tobytes() if share else id.encode()
            root = prompts[key] if key in prompts else prompts.setdefault(key, tree.add(prompt))
            span = tree.add(own, root) if len(own) else root
            for index, branch in branches:
                parent = span if branch.at > shared else root
                targets.append((index, branch, tree.add(branch.ids, parent, branch.at)))
        return self._read(tree, targets)

    def _read(
        self, tree: TokenTree, targets: Sequence[tuple[int, Branch, int]]
    ) -> dict[int, LogProbs]:
        """Logits only where a target token is predicted: one position before it."""
        places = [
            tree.start(span) + np.arange(branch.target.start, branch.target.stop)
            for _, branch, span in targets
        ]
        at = torch.from_numpy(np.concatenate(places))
        with torch.autocast(self._policy.device.type, torch.bfloat16, enabled=self._autocast):
            hidden = tree_hidden_states(self._policy, tree)
        self.forward_tokens += len(tree)
        logits = self._policy.logits(hidden[at.to(hidden.device) - 1])
        ids = torch.from_numpy(tree.ids[at.numpy()]).to(logits.device)
        found = selected_log_probs(logits, ids, temperature=1.0).double().cpu().numpy()
        parts = np.split(found, np.cumsum([len(place) for place in places])[:-1])
        return {index: part for (index, _, _), part in zip(targets, parts, strict=True)}


def _read_before(branches: Asked) -> int:
    """Tokens of the trajectory that some branch stands behind."""
    return max(branch.at for _, branch in branches)
