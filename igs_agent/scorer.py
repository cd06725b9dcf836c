"""The rollout policy as scorer of its own trajectories, on the exact ids."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from igs_agent.generation.rows import RowCache
from igs_agent.policy import Policy, selected_log_probs
from igs_agent.text_scorer import CausalLMScorer, causal_lm, padded
from igs_agent.trajectory import Trajectory
from igs_env.contexts import ScoreRequest
from igs_env.errors import ConfigurationError
from igs_env.information_gain import LogProbs
from igs_env.prompt import render_documents

# `igs_agent.scorer:causal_lm` is the name that environments are given.
__all__ = ["CausalLMScorer", "PolicyScorer", "causal_lm"]


@dataclass(frozen=True, slots=True)
class _Branch:
    """Tokens that hang off a trajectory at a point and end with a target."""

    at: int
    """Tokens of the trajectory that stand before the branch."""
    ids: list[int]
    target: slice
    """Which of `ids` are scored; index 0 never is, since `at` ends before it."""


class PolicyScorer:
    """The policy's own log-probabilities on the exact ids that it read and wrote.

    A real context is a prefix of the trajectory, so only the probe is computed anew; a
    counterfactual one branches off behind the step's output. All branches of a trajectory are
    scored in one pass over its keys and values, each seeing the trajectory up to its branch
    point and itself, at the positions that it would have in a sequence of its own.

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
            max_tokens: most tokens, padding included, in one forward.
            autocast: matrix products in bfloat16; the logits stay in the policy's own precision.
        """
        self._policy = policy
        self._trajectories = {t.episode.id: t for t in trajectories}
        self._max_tokens = max_tokens
        self._autocast = autocast
        self.forward_tokens = 0
        """Tokens that went through the model, padding included."""

    @torch.no_grad()
    def token_log_probs(self, requests: Sequence[ScoreRequest]) -> list[LogProbs]:
        """See `AnswerScorer`. Raises `ConfigurationError` for an episode without a trajectory."""
        by_episode: dict[str, list[int]] = {}
        for index, request in enumerate(requests):
            by_episode.setdefault(request.episode.id, []).append(index)
        branches = [self._branch(request) for request in requests]
        scored: dict[int, LogProbs] = {}
        for episodes in self._chunks(by_episode, branches):
            prefixes = [
                self._trajectory(id).token_ids[: max(branches[i].at for i in by_episode[id])]
                for id in episodes
            ]
            rows = [[branches[i] for i in by_episode[id]] for id in episodes]
            values = self._score(prefixes, rows)
            for id, row in zip(episodes, values, strict=True):
                scored.update(zip(by_episode[id], row, strict=True))
        return [scored[index] for index in range(len(requests))]

    def _trajectory(self, id: str) -> Trajectory:
        if id not in self._trajectories:
            raise ConfigurationError(f"no trajectory of episode {id!r} was given to the scorer")
        return self._trajectories[id]

    def _branch(self, request: ScoreRequest) -> _Branch:
        trajectory = self._trajectory(request.episode.id)
        target_ids, span = self._policy.encode_target(
            request.probe, request.target, request.probe_end
        )
        at, ids = self._context(trajectory, request)
        offset = len(ids)
        return _Branch(at, ids + target_ids, slice(span.start + offset, span.stop + offset))

    def _context(self, trajectory: Trajectory, request: ScoreRequest) -> tuple[int, list[int]]:
        """(tokens of the trajectory that stay, tokens that follow them) before the probe."""
        last = request.step
        if last < 0:
            return trajectory.turns[0].start, []
        if not request.replacements:
            at = trajectory.turns[last].observation_end
            refine = self._refine_length(trajectory, last) if request.through_refine else 0
            return at + refine, []
        if request.through_refine and set(request.replacements) != {last}:
            raise ConfigurationError(
                "before the last step of a context, documents are not replaced where refine blocks "
                "were written about them"
            )
        first = min(request.replacements)
        ids: list[int] = []
        for step in range(first, last + 1):
            turn, fragment = trajectory.turns[step], request.replacements.get(step)
            if step > first:
                ids += trajectory.token_ids[turn.start : turn.end].tolist()
            if fragment is None:
                ids += trajectory.token_ids[turn.end : turn.observation_end].tolist()
                continue
            ids += self._policy.encode(
                render_documents(request.episode.protocol, fragment.documents)
            )
            if request.through_refine:
                ids += self._refine_ids(fragment.origin, fragment.refine)
        return trajectory.turns[first].end, ids

    def _refine_length(self, trajectory: Trajectory, step: int) -> int:
        """Tokens of the refine block behind a step's documents, cut in tokens."""
        following = trajectory.turns[step + 1]
        ids = trajectory.token_ids[following.start : following.end].tolist()
        for count in range(1, len(ids) + 1):
            if "</refine>" in self._policy.decode(ids[:count]):
                return count
        raise ConfigurationError(f"no refine block follows step {step} of {trajectory.episode.id}")

    def _refine_ids(self, origin: tuple[str, int] | None, refine: str | None) -> list[int]:
        """The refine block's own tokens where they are known, else its text's."""
        if origin is not None and origin[0] in self._trajectories:
            source = self._trajectories[origin[0]]
            start = source.turns[origin[1] + 1].start
            length = self._refine_length(source, origin[1])
            ids: list[int] = source.token_ids[start : start + length].tolist()
            return ids
        return self._policy.encode(refine or "")

    def _chunks(
        self, by_episode: dict[str, list[int]], branches: Sequence[_Branch]
    ) -> list[list[str]]:
        """Episodes that are scored together: of similar size, at most `max_tokens` in all."""
        sizes = {
            id: max(branches[i].at for i in indices) + sum(len(branches[i].ids) for i in indices)
            for id, indices in by_episode.items()
        }
        chunks: list[list[str]] = []
        for id in sorted(sizes, key=lambda id: (sizes[id], id)):
            if chunks and (len(chunks[-1]) + 1) * sizes[id] <= self._max_tokens:
                chunks[-1].append(id)
            else:
                chunks.append([id])
        return chunks

    def _score(
        self, prefixes: Sequence[np.ndarray], rows: Sequence[Sequence[_Branch]]
    ) -> list[list[LogProbs]]:
        """Log-probabilities of each row's branches, over one prefix per row."""
        device = self._policy.device
        cache = RowCache(len(prefixes), device)
        lengths = torch.tensor([len(prefix) for prefix in prefixes], device=device)
        self._forward(cache, padded(prefixes, device), None)
        cache.append(lengths)
        packed = [np.concatenate([branch.ids for branch in row]) for row in rows]
        ids = padded(packed, device)
        hidden = self._forward(cache, ids, _layout(rows, ids.shape[1], lengths))
        return self._read(hidden, rows)

    def _forward(self, cache: RowCache, ids: Tensor, layout: _Layout | None) -> Tensor:
        positions, mask = cache.plan(ids.shape[1])
        if layout is not None:
            positions, mask = layout.positions, layout.mask(mask.shape[-1])
        self.forward_tokens += ids.numel()
        with torch.autocast(ids.device.type, torch.bfloat16, enabled=self._autocast):
            return self._policy.hidden_states(
                input_ids=ids,
                position_ids=positions,
                attention_mask=mask,
                past_key_values=cache,
                use_cache=True,
            )

    def _read(self, hidden: Tensor, rows: Sequence[Sequence[_Branch]]) -> list[list[LogProbs]]:
        """Logits only where a target token is predicted: one position before it."""
        row_index, column, wanted, sizes = [], [], [], []
        for index, row in enumerate(rows):
            start = 0
            for branch in row:
                places = range(branch.target.start, branch.target.stop)
                row_index += [index] * len(places)
                column += [start + place - 1 for place in places]
                wanted += [branch.ids[place] for place in places]
                sizes.append(len(places))
                start += len(branch.ids)
        logits = self._policy.logits(hidden[row_index, column])
        ids = torch.tensor(wanted, device=logits.device)
        found = selected_log_probs(logits, ids, temperature=1.0).double().cpu().numpy()
        parts = iter(np.split(found, np.cumsum(sizes)[:-1]))
        return [[next(parts) for _ in row] for row in rows]


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where packed branches stand: positions, what they hang off, and which branch is whose."""

    positions: Tensor
    """(R, T)."""
    at: Tensor
    """(R, T): tokens of the prefix that the token may see."""
    branch: Tensor
    """(R, T): number of the token's branch, −1 for padding."""
    lengths: Tensor
    """(R,): prefix lengths, where the branches begin in the cache."""

    def mask(self, extent: int) -> Tensor:
        """(R, 1, T, extent): the prefix up to the branch point, then the own branch, causally."""
        rows, width = self.branch.shape
        columns = torch.arange(extent, device=self.at.device)
        prefix = columns < self.at[:, :, None]
        own = torch.zeros(rows, width, extent, dtype=torch.bool, device=self.at.device)
        same = self.branch[:, :, None] == self.branch[:, None, :]
        causal = torch.ones(width, width, dtype=torch.bool, device=self.at.device).tril()
        places = self.lengths[:, None] + torch.arange(width, device=self.at.device)
        own.scatter_(2, places[:, None, :].expand(rows, width, width), same & causal)
        return (prefix | own)[:, None]


def _layout(rows: Sequence[Sequence[_Branch]], width: int, lengths: Tensor) -> _Layout:
    positions = np.zeros((len(rows), width), dtype=np.int64)
    at = np.zeros_like(positions)
    # Padding is a branch of its own: it sees itself, so that its softmax is not empty.
    number = np.full_like(positions, -1)
    for index, row in enumerate(rows):
        start = 0
        for place, branch in enumerate(row):
            span = slice(start, start + len(branch.ids))
            positions[index, span] = branch.at + np.arange(len(branch.ids))
            at[index, span] = branch.at
            number[index, span] = place
            start += len(branch.ids)
    device = lengths.device
    return _Layout(
        torch.from_numpy(positions).to(device),
        torch.from_numpy(at).to(device),
        torch.from_numpy(number).to(device),
        lengths,
    )
