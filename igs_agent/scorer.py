"""Log-probabilities of answers under the policy that rolled out, on its exact token ids."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from igs_agent.branches import Branches
from igs_agent.generation.rows import Kept
from igs_agent.generation.warm import WarmContexts
from igs_agent.policy import Policy, selected_log_probs
from igs_agent.text_scorer import CausalLMScorer, causal_lm
from igs_agent.trajectory import Trajectory
from igs_agent.tree import (
    Read,
    TokenTree,
    distinct_predictions,
    known_tokens,
    new_hidden_states,
    shares_prefixes,
    tree_hidden_states,
)
from igs_env.contexts import ScoreRequest
from igs_env.information_gain import LogProbs

# `igs_agent.scorer:causal_lm` is the name that environments are given.
__all__ = ["CausalLMScorer", "PolicyScorer", "causal_lm"]


@dataclass(frozen=True, slots=True)
class _Context:
    """A whole sequence of tokens, some of which are scored."""

    ids: np.ndarray
    target: np.ndarray
    """Which of `ids` are scored; index 0 never is, since the probe stands before a target."""
    place: tuple[str, str]
    """Group and episode."""
    warm: Kept | None
    """Keys and values of its first tokens."""
    known: int
    """How many tokens that are."""


class PolicyScorer:
    """The policy's own log-probabilities on the exact ids that it read and wrote.

    All contexts are one tree of tokens (`igs_agent.tree`): what several of them begin with goes
    through the model once, be it a group's prompt, a trajectory that the counterfactual contexts
    branch off, or steps that two members of a group wrote alike.

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
        warm: WarmContexts | None = None,
    ) -> None:
        """Score requests on episodes of these trajectories.

        Args:
            policy: π_old, before the update.
            trajectories: their episodes' ids are looked up.
            max_tokens: most tokens in one forward, or one context.
            autocast: matrix products in bfloat16; the logits stay in the policy's own precision.
            warm: keys and values of the rollouts under this very policy, by episode; whatever
                they cover is not read again.
        """
        self._policy, self._max_tokens, self._autocast = policy, max_tokens, autocast
        self._branches = Branches(policy, trajectories)
        self._warm = warm if warm is not None and shares_prefixes(policy) else None
        self.forward_tokens = 0
        """Tokens that went through the model."""

    @torch.no_grad()
    def token_log_probs(self, requests: Sequence[ScoreRequest]) -> list[LogProbs]:
        """See `AnswerScorer`. Raises `ConfigurationError` for an episode without a trajectory."""
        contexts = [self._context(request) for request in requests]
        order = sorted(range(len(contexts)), key=lambda index: contexts[index].place)
        scored: dict[int, LogProbs] = {}
        for chunk in self._chunks([contexts[index] for index in order]):
            for log_probs in self._score(chunk):
                scored[order[len(scored)]] = log_probs
        return [scored[index] for index in range(len(requests))]

    def _context(self, request: ScoreRequest) -> _Context:
        trajectory = self._branches.trajectory(request.episode.id)
        branch = self._branches.branch(request)
        ids = np.concatenate([trajectory.token_ids[: branch.at], branch.ids])
        target = np.arange(branch.at + branch.target.start, branch.at + branch.target.stop)
        warm, length = self._warm_of(trajectory)
        place = (trajectory.episode.group_id, trajectory.episode.id)
        return _Context(ids, target, place, warm, min(length, branch.at))

    def _warm_of(self, trajectory: Trajectory) -> tuple[Kept | None, int]:
        found = None if self._warm is None else self._warm.get(trajectory.episode.id)
        return found or (None, 0)

    def _chunks(self, contexts: Sequence[_Context]) -> Iterator[list[_Context]]:
        """Contexts that are scored together; what is known already costs nothing."""
        tree, chunk, tokens = TokenTree(), list[_Context](), 0
        for context in contexts:
            new = self._missing(tree, context)
            if chunk and tokens + new > self._max_tokens:
                yield chunk
                tree, chunk, tokens = TokenTree(), [], 0
                new = self._missing(tree, context)
            tree.add(context.ids, self._scope(context))
            chunk.append(context)
            tokens += new
        if chunk:
            yield chunk

    def _missing(self, tree: TokenTree, context: _Context) -> int:
        """Tokens that have to be read for it beside the tree."""
        missing, scope = tree.missing(context.ids, self._scope(context)), self._scope(context)
        if context.known:
            missing -= tree.missing(context.ids[: context.known], scope)
        return missing

    def _scope(self, context: _Context) -> object:
        """Contexts of one episode always share; others where that costs nothing."""
        return None if shares_prefixes(self._policy) else context.place

    def _score(self, contexts: Sequence[_Context]) -> list[LogProbs]:
        """Logits only where a target token is predicted: one position before it."""
        tree = TokenTree()
        numbers = [tree.add(context.ids, self._scope(context)) for context in contexts]
        before = [
            tree.path(number)[context.target - 1]
            for number, context in zip(numbers, contexts, strict=True)
        ]
        ids = np.concatenate([context.ids[context.target] for context in contexts])
        places, wanted, which = distinct_predictions(np.concatenate(before), ids)
        with torch.autocast(self._policy.device.type, torch.bfloat16, enabled=self._autocast):
            hidden = self._hidden_states(tree, numbers, contexts, places)
        logits = self._policy.logits(hidden)
        found = selected_log_probs(
            logits, torch.from_numpy(wanted).to(logits.device), temperature=1.0
        )
        found = found.double().cpu().numpy()[which]
        return np.split(found, np.cumsum([len(place) for place in before])[:-1])

    def _hidden_states(
        self,
        tree: TokenTree,
        numbers: Sequence[int],
        contexts: Sequence[_Context],
        places: Int[np.ndarray, " m"],
    ) -> Float[Tensor, "m D"]:
        """Those of some packed tokens, for which as few as possible are read."""
        read = [
            Read(number, context.known, context.warm.keys, context.warm.values)
            for number, context in zip(numbers, contexts, strict=True)
            if context.warm is not None and context.known
        ]
        if not read:
            self.forward_tokens += len(tree)
            hidden = tree_hidden_states(self._policy, tree)
            return hidden[torch.from_numpy(places).to(hidden.device)]
        known = known_tokens(tree, read, places)
        self.forward_tokens += len(known.new)
        hidden = new_hidden_states(self._policy, tree, known)
        return hidden[torch.from_numpy(np.searchsorted(known.new, places)).to(hidden.device)]
