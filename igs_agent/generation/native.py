"""The native generator: multi-turn decoding that keeps keys and values across turns."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from jaxtyping import Float, Int
from torch import Tensor

from igs_agent.generation.contract import Completion, Finish, Request, Sampling
from igs_agent.generation.rows import RowCache
from igs_agent.generation.sampling import draw_tokens, uniforms
from igs_agent.policy import Policy, selected_log_probs
from igs_env.actions import action_end
from igs_env.errors import IGSearchError


class _Row:
    """A sequence that is being continued."""

    def __init__(self, request: Request, sampling: Sampling) -> None:
        self.uniforms = uniforms(request.seed, request.turn, sampling.max_tokens)
        self.ids: list[int] = []
        self.log_probs: list[float] = []
        self.finish: Finish | None = None

    def completion(self) -> Completion:
        return Completion(
            token_ids=self.ids, log_probs=self.log_probs, finish=self.finish or "length"
        )


class NativeGenerator:
    """Decodes all rows in step; the batch shrinks when half of its rows are done.

    A prompt that several new sequences share is computed once. What the environment appended
    since the last turn is computed in one chunk.
    """

    def __init__(self, policy: Policy) -> None:
        """Generate with this policy, in its own precision."""
        self.policy = policy
        self.forward_tokens = 0
        """Tokens that went through the model since the generator was made, padding included."""
        self._closing = _tokens_with(">", policy)
        self._rows: dict[str, int] = {}
        self._cache: RowCache | None = None

    @torch.no_grad()
    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Completion]:
        """See `Generator.generate`."""
        if not requests:
            return []
        cache, logits = self._prefill(requests)
        rows = [_Row(request, sampling) for request in requests]
        self._cache = self._decode(rows, cache, logits, sampling)
        self._rows = {request.key: index for index, request in enumerate(requests)}
        return [row.completion() for row in rows]

    def release(self, keys: Iterable[str]) -> None:
        """See `Generator.release`. Rows are freed with the next call, or when none is left."""
        for key in keys:
            self._rows.pop(key, None)
        if not self._rows:
            self._cache = None

    def _prefill(self, requests: Sequence[Request]) -> tuple[RowCache, Float[Tensor, "R V"]]:
        """Cache of all contexts, one row per request, and the logits behind each."""
        known = [index for index, request in enumerate(requests) if request.key in self._rows]
        fresh = [index for index, request in enumerate(requests) if request.key not in self._rows]
        cache = RowCache(0, self.policy.device)
        if known and self._cache is not None:
            cache = self._cache.select([self._rows[requests[index].key] for index in known])
        if fresh:
            cache = cache.join(self._shared_prompts([requests[index] for index in fresh]))
        if fresh and known:
            order = [*known, *fresh]
            cache = cache.select([order.index(index) for index in range(len(requests))])
        lengths = cache.lengths.tolist()
        chunks = [
            list(request.token_ids[length:])
            for request, length in zip(requests, lengths, strict=True)
        ]
        return cache, self._forward(cache, chunks)

    def _shared_prompts(self, requests: Sequence[Request]) -> RowCache:
        """Cache of all but the last token of new contexts, each distinct one computed once."""
        distinct = {tuple(request.token_ids[:-1]): None for request in requests}
        places = {ids: place for place, ids in enumerate(distinct)}
        if not all(distinct):
            raise IGSearchError("a context needs at least two tokens: its prompt is empty")
        cache = RowCache(len(distinct), self.policy.device)
        self._forward(cache, [list(ids) for ids in distinct])
        return cache.select([places[tuple(request.token_ids[:-1])] for request in requests])

    def _forward(self, cache: RowCache, chunks: Sequence[list[int]]) -> Float[Tensor, "R V"]:
        """Append one chunk per row; logits at each chunk's last token."""
        width = max(map(len, chunks))
        ids = torch.zeros((len(chunks), width), dtype=torch.long)
        for row, chunk in enumerate(chunks):
            ids[row, : len(chunk)] = torch.tensor(chunk, dtype=torch.long)
        counts = torch.tensor([len(chunk) for chunk in chunks])
        return self._append(cache, ids.to(self.policy.device), counts.to(self.policy.device))

    def _append(
        self, cache: RowCache, ids: Int[Tensor, "R T"], counts: Int[Tensor, " R"]
    ) -> Float[Tensor, "R V"]:
        positions, mask = cache.plan(ids.shape[1])
        hidden = self.policy.hidden_states(
            input_ids=ids,
            position_ids=positions,
            attention_mask=mask,
            past_key_values=cache,
            use_cache=True,
        )
        cache.append(counts)
        self.forward_tokens += ids.numel()
        rows = torch.arange(len(ids), device=ids.device)
        return self.policy.logits(hidden[rows, (counts - 1).clamp(min=0)])

    def _decode(
        self,
        rows: Sequence[_Row],
        cache: RowCache,
        logits: Float[Tensor, "R V"],
        sampling: Sampling,
    ) -> RowCache:
        """Fill every row; the cache that comes back has the rows in their first order."""
        active = list(range(len(rows)))
        parked: list[tuple[list[int], RowCache]] = []
        for step in range(sampling.max_tokens):
            tokens = self._sample([rows[index] for index in active], logits, step, sampling)
            running = [i for i, index in enumerate(active) if rows[index].finish is None]
            if not running or step == sampling.max_tokens - 1:
                break
            if 2 * len(running) <= len(active):
                stopped = [i for i in range(len(active)) if i not in set(running)]
                parked.append(([active[i] for i in stopped], cache.select(stopped)))
                cache, tokens = cache.select(running), tokens[running]
                active = [active[i] for i in running]
            going = torch.tensor(
                [rows[index].finish is None for index in active], device=tokens.device
            )
            logits = self._append(cache, tokens[:, None], going.long())
        if not parked:
            return cache
        parked.append((active, cache))
        order = [index for indices, _ in parked for index in indices]
        joined = parked[0][1]
        for _, part in parked[1:]:
            joined = joined.join(part)
        return joined.select([order.index(index) for index in range(len(rows))])

    def _sample(
        self,
        rows: Sequence[_Row],
        logits: Float[Tensor, "R V"],
        step: int,
        sampling: Sampling,
    ) -> Int[Tensor, " R"]:
        """Draw the rows' next tokens; rows that are finished ignore theirs."""
        uniform = torch.tensor([row.uniforms[step] for row in rows], device=logits.device)
        tokens = draw_tokens(logits, uniform, sampling)
        log_probs = selected_log_probs(logits, tokens, sampling.temperature)
        if not torch.isfinite(log_probs).all():
            raise IGSearchError(
                f"the policy {self.policy.name!r} gave logits that are not finite; its weights are "
                "broken or its dtype is too narrow"
            )
        for row, token, log_prob in zip(rows, tokens.tolist(), log_probs.tolist(), strict=True):
            if row.finish is None:
                row.ids.append(token)
                row.log_probs.append(log_prob)
                row.finish = self._finish(row)
        return tokens

    def _finish(self, row: _Row) -> Finish | None:
        if row.ids[-1] in self.policy.eos_ids:
            return "eos"
        if row.ids[-1] in self._closing and action_end(self.policy.decode(row.ids)) is not None:
            return "action"
        return None


def _tokens_with(character: str, policy: Policy) -> frozenset[int]:
    """Ids of the tokens whose text holds a character: only they can complete a tag."""
    tokens: dict[str, int] = policy.tokenizer.get_vocab()
    return frozenset(id for token, id in tokens.items() if character in token)
