"""The native generator: multi-turn decoding that keeps keys and values across turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from igs_agent.generation.contract import Completion, Finish, Request, Sampling
from igs_agent.generation.few_rows import turned_products
from igs_agent.generation.rows import Kept, RowCache
from igs_agent.generation.sampling import draw_tokens, uniforms
from igs_agent.generation.warm import WarmContexts
from igs_agent.policy import Policy, selected_log_probs
from igs_env.actions import action_end
from igs_env.errors import IGSearchError


@dataclass(slots=True, eq=False)
class _Context:
    """Tokens that one or more writers stand behind, in one row of the cache."""

    writers: list[_Writer]
    kept: Kept | None = None
    """Once the row is given up."""


@dataclass(slots=True, eq=False)
class _Writer:
    """A request that is being answered."""

    uniforms: np.ndarray
    ids: list[int] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    finish: Finish | None = None
    context: _Context | None = None
    length: int = 0
    """Where it stopped, and how many tokens of that context are its own: others may have gone
    on from there."""


class NativeGenerator:
    """Decodes all rows in step; a row that is done makes room for the others.

    Requests whose tokens are equal so far, such as the members of a group at first, share a row
    until one draws another token than the others. What the environment appended since the last
    turn is computed in one chunk.
    """

    def __init__(self, policy: Policy, *, warm: WarmContexts | None = None) -> None:
        """Generate with this policy, in its own precision.

        Args:
            policy: samples.
            warm: is given the keys and values of the sequences that are released.
        """
        self.policy = policy
        self.warm = warm
        self.forward_tokens = 0
        """Tokens that went through the model since the generator was made, padding included."""
        self._closing = _tokens_with(">", policy)
        self._eos = policy.eos_ids
        self._kept: dict[str, tuple[Kept, int]] = {}

    @torch.no_grad()
    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Completion]:
        """See `Generator.generate`."""
        if not requests:
            return []
        writers = [
            _Writer(uniforms(request.seed, request.turn, sampling.max_tokens))
            for request in requests
        ]
        with turned_products(self.policy):
            cache, contexts, logits = self._prefill(requests, writers)
            self._decode(contexts, cache, logits, sampling)
        for request, writer in zip(requests, writers, strict=True):
            assert writer.context is not None
            assert writer.context.kept is not None
            self._kept[request.key] = (writer.context.kept, writer.length)
        return [
            Completion(token_ids=w.ids, log_probs=w.log_probs, finish=w.finish or "length")
            for w in writers
        ]

    def release(self, keys: Iterable[str]) -> None:
        """See `Generator.release`."""
        for key in keys:
            found = self._kept.pop(key, None)
            if found is not None and self.warm is not None:
                self.warm.add(key, *found)

    def _prefill(
        self, requests: Sequence[Request], writers: Sequence[_Writer]
    ) -> tuple[RowCache, list[_Context], Float[Tensor, "R V"]]:
        """A row for every distinct context, and the logits behind each."""
        distinct: dict[tuple[int, ...], list[int]] = {}
        for index, request in enumerate(requests):
            distinct.setdefault(tuple(request.token_ids), []).append(index)
        found = []
        for ids, members in distinct.items():
            kept, length = self._kept.get(requests[members[0]].key, (None, 0))
            found.append((ids[length:], kept, length, _Context([writers[i] for i in members])))
        if not all(chunk for chunk, *_ in found):
            raise IGSearchError("a context needs at least one new token: its prompt is empty")
        found.sort(key=lambda context: len(context[0]))
        config: Any = self.policy.model.config
        cache = RowCache(
            len(requests),
            layers=config.num_hidden_layers,
            length=max(len(request.token_ids) for request in requests),
            device=self.policy.device,
        )
        for row, (_, kept, length, _) in enumerate(found):
            if kept is not None:
                cache.put(row, kept, length)
        for request in requests:
            self._kept.pop(request.key, None)
        logits = [
            self._forward(cache, rows, [chunk for chunk, *_ in found[rows]])
            for rows in _alike([len(chunk) for chunk, *_ in found])
        ]
        return cache, [context for *_, context in found], torch.cat(logits)

    def _forward(
        self, cache: RowCache, rows: slice, chunks: Sequence[Sequence[int]]
    ) -> Float[Tensor, "R V"]:
        """Append one chunk per row; logits at each chunk's last token."""
        counts = np.array([len(chunk) for chunk in chunks])
        ids = np.zeros((len(chunks), counts.max()), dtype=np.int64)
        for row, chunk in enumerate(chunks):
            ids[row, : len(chunk)] = chunk
        device = self.policy.device
        positions, mask = cache.plan(rows, ids.shape[1])
        hidden = self.policy.hidden_states(
            input_ids=torch.from_numpy(ids).to(device),
            position_ids=positions,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
        )
        cache.append(rows, counts)
        self.forward_tokens += ids.size
        last = torch.from_numpy(counts - 1).to(device)
        return self.policy.logits(hidden[torch.arange(len(ids), device=device), last])

    def _decode(
        self,
        contexts: list[_Context],
        cache: RowCache,
        logits: Float[Tensor, "R V"],
        sampling: Sampling,
    ) -> None:
        """Let every writer write. Context i is row i of the cache."""
        for step in range(sampling.max_tokens):
            self._sample(contexts, logits, step, sampling)
            tokens = self._advance(contexts, cache)
            if not contexts or step == sampling.max_tokens - 1:
                break
            logits = self._forward(cache, slice(0, len(contexts)), [[token] for token in tokens])
        for row, context in enumerate(contexts):
            for writer in context.writers:
                writer.context, writer.length = context, int(cache.lengths[row])
            context.kept = cache.keep(row)  # nobody writes into this cache again

    def _sample(
        self,
        contexts: Sequence[_Context],
        logits: Float[Tensor, "R V"],
        step: int,
        sampling: Sampling,
    ) -> None:
        """Draw the next token of every writer, who takes it."""
        uniform = np.zeros((len(contexts), max(len(context.writers) for context in contexts)))
        for row, context in enumerate(contexts):
            uniform[row, : len(context.writers)] = [w.uniforms[step] for w in context.writers]
        tokens = draw_tokens(logits, torch.from_numpy(uniform).to(logits.device), sampling)
        log_probs = selected_log_probs(logits, tokens, sampling.temperature)
        if not torch.isfinite(log_probs).all():
            raise IGSearchError(
                f"the policy {self.policy.name!r} gave logits that are not finite; its weights are "
                "broken or its dtype is too narrow"
            )
        for context, ids, values in zip(contexts, tokens.tolist(), log_probs.tolist(), strict=True):
            for writer, token, log_prob in zip(context.writers, ids, values, strict=False):
                writer.ids.append(token)
                writer.log_probs.append(log_prob)
                writer.finish = self._finish(writer)

    def _advance(self, contexts: list[_Context], cache: RowCache) -> list[int]:
        """Each context's next token; contexts part where their writers do, or are given up."""
        tokens: list[int] = []
        forks: list[tuple[int, int, list[_Writer]]] = []
        for row in range(len(contexts)):
            branches = _branches(contexts[row], int(cache.lengths[row]))
            tokens.append(next(iter(branches), -1))
            contexts[row].writers = branches.pop(tokens[row], [])
            for token, writers in branches.items():
                forks.append((row, token, writers))
        for row, token, writers in forks:
            cache.copy(row, len(contexts))
            contexts.append(_Context(writers))
            tokens.append(token)
        for row in reversed(range(len(contexts))):
            if not contexts[row].writers:
                contexts[row].kept = kept = cache.keep(row)
                kept.take_out()  # another context moves into the row
                last = contexts.pop(), tokens.pop()
                if row < len(contexts):
                    cache.copy(len(contexts), row)
                    contexts[row], tokens[row] = last
        return tokens

    def _finish(self, writer: _Writer) -> Finish | None:
        if writer.ids[-1] in self._eos:
            return "eos"
        if writer.ids[-1] in self._closing and self._acts(writer.ids):
            return "action"
        return None

    def _acts(self, ids: Sequence[int]) -> bool:
        return action_end(self.policy.decode(ids)) is not None


def _tokens_with(character: str, policy: Policy) -> frozenset[int]:
    """Ids of the tokens whose text holds a character: only they can complete a tag."""
    tokens: dict[str, int] = policy.tokenizer.get_vocab()
    return frozenset(id for token, id in tokens.items() if character in token)


def _branches(context: _Context, length: int) -> dict[int, list[_Writer]]:
    """Writers that go on, by their newest token; the others remember where they stopped."""
    branches: dict[int, list[_Writer]] = {}
    for writer in context.writers:
        if writer.finish is None:
            branches.setdefault(writer.ids[-1], []).append(writer)
        else:
            writer.context, writer.length = context, length
    return branches


def _alike(lengths: Sequence[int]) -> list[slice]:
    """Ascending lengths in runs of which little is padding when each is filled up to its last."""
    starts = [0]
    for index, length in enumerate(lengths):
        if length > 1.25 * lengths[starts[-1]] + 16:
            starts.append(index)
    return [slice(a, b) for a, b in zip(starts, [*starts[1:], len(lengths)], strict=True)]
