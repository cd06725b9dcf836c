"""One update: the loss of a batch of rollouts, and the optimiser steps that follow from it."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from igs_agent.config import LossConfig, OptimConfig
from igs_agent.executors.contract import Executor
from igs_agent.executors.local import LOCAL
from igs_agent.loss import clipped_surrogate, importance_weights, is_clipped, kl_k3, token_mean
from igs_agent.policy import Policy
from igs_agent.signals import TokenBatch
from igs_agent.trained_tokens import trained_tokens
from igs_agent.tree import TokenTree, shares_prefixes
from igs_env.errors import IGSearchError


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateStats:
    """What an update did; means are over trained tokens."""

    loss: float
    grad_norm: float
    """Before clipping, mean over the optimiser steps."""
    kl: float
    """k3 from the sampling policy, nats per token."""
    ref_kl: float
    """k3 from the reference; 0 without one."""
    clip_share: float
    entropy: float
    """Estimated by −log π of the sampled tokens, nats per token."""
    tokens: int
    """Trained tokens."""
    forward_tokens: int
    """Tokens through the model."""


class NonFiniteUpdateError(IGSearchError):
    """The loss or its gradient is not finite; the parameters were not changed by it."""


def update_policy(
    policy: Policy,
    optimizer: torch.optim.Optimizer,
    batch: TokenBatch,
    loss: LossConfig,
    optim: OptimConfig,
    *,
    temperature: float,
    groups: Sequence[int],
    reference: Policy | None = None,
    executor: Executor = LOCAL,
) -> UpdateStats:
    """Train on the batch: `optim.epochs` passes of `optim.minibatches` optimiser steps each.

    Args:
        policy: trained in place.
        optimizer: over the policy's parameters.
        batch: all rollouts of the update.
        loss: surrogate and aggregation.
        optim: passes, micro-batches, clipping.
        temperature: at which the rollouts were sampled.
        groups: each row's group; a group is never split over optimiser steps.
        reference: for the KL term.
        executor: the ranks among which the rows are shared; each is given the whole batch.

    Raises:
        NonFiniteUpdateError: before anything is changed.
    """
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    totals, share = _Totals(), shares_prefixes(policy)
    if loss.importance_cap > 0:
        batch = importance_corrected(
            policy, batch, loss.importance_cap, temperature, optim, executor
        )
    policy.model.train()
    for _ in range(optim.epochs):
        for rows in _minibatches(groups, optim.minibatches):
            part = batch.rows(rows)
            denominator, counts = _denominator(part, loss), part.trained[:, 1:].sum(1).tolist()
            mine = executor.share(part.lengths.tolist(), counts)
            chunks = list(_chunks(part.rows(mine), optim.batch_tokens, share)) if mine else []
            for chunk in executor.even(chunks):
                # Where other ranks have more, their rows are read along and count nothing.
                rows_read = [mine[row] for row in chunk] or [_first(counts)]
                value = _chunk_loss(
                    policy,
                    part.rows(rows_read),
                    loss,
                    optim,
                    temperature,
                    denominator,
                    reference,
                    totals if chunk else _Totals(),
                    executor,
                )
                if value.requires_grad:
                    torch.autograd.backward(value if chunk else value * 0)
            executor.add_gradients(parameters)
            norm = executor.clip_gradients(parameters, optim.max_grad_norm)
            summed = executor.add({"loss": totals.loss})["loss"]
            if not (math.isfinite(norm) and math.isfinite(summed)):
                optimizer.zero_grad(set_to_none=True)
                policy.model.eval()
                raise NonFiniteUpdateError(
                    f"the gradient's norm is {norm}"
                    if math.isfinite(summed)
                    else f"the loss is {summed}"
                )
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            totals.norms.append(norm)
    policy.model.eval()
    return totals.stats(executor)


@torch.no_grad()
def importance_corrected(
    policy: Policy,
    batch: TokenBatch,
    cap: float,
    temperature: float,
    optim: OptimConfig,
    executor: Executor = LOCAL,
) -> TokenBatch:
    """The batch for a policy that gives its tokens other probabilities than their sampler did.

    The surrogate's ratio becomes one to the policy as it is before the update, computed here, and
    min(π_before / π_sampler, cap) goes onto the advantages: as a factor ≥ 0 it commutes with the
    surrogate's minimum. (Truncated importance sampling, Yao et al. 2025, as verl has it.)
    """
    old, weights = batch.old_log_probs.clone(), torch.ones_like(batch.old_log_probs)
    for chunk in _chunks(batch, optim.batch_tokens, shares_prefixes(policy)):
        part = batch.rows(chunk)
        tokens = trained_tokens(part, share=shares_prefixes(policy))
        with torch.autocast(policy.device.type, torch.bfloat16, enabled=optim.autocast):
            log_probs = executor.log_probs(policy, tokens, temperature)
        rows, columns = tokens.mask.nonzero(as_tuple=True)
        places = (torch.tensor(chunk)[rows], columns)
        before = log_probs.float().cpu()
        weights[places] = importance_weights(before, batch.old_log_probs[places], cap)
        old[places] = before
    return replace(batch, old_log_probs=old, advantages=batch.advantages * weights)


def _chunk_loss(
    policy: Policy,
    chunk: TokenBatch,
    loss: LossConfig,
    optim: OptimConfig,
    temperature: float,
    denominator: float,
    reference: Policy | None,
    totals: _Totals,
    executor: Executor,
) -> Tensor:
    tokens = trained_tokens(chunk, share=shares_prefixes(policy))
    with torch.autocast(policy.device.type, torch.bfloat16, enabled=optim.autocast):
        log_probs = executor.log_probs(policy, tokens, temperature)
    trained = tokens.mask
    old = chunk.old_log_probs[trained].to(log_probs.device)
    advantages = chunk.advantages[trained].to(log_probs.device)
    clip = {"clip_low": loss.clip_low, "clip_high": loss.clip_high}
    per_token = clipped_surrogate(log_probs, old, advantages, **clip)
    ref_kl = torch.zeros_like(log_probs)
    if reference is not None and loss.kl > 0:
        # In the same precision: what differs should be the parameters alone.
        with (
            torch.no_grad(),
            torch.autocast(policy.device.type, torch.bfloat16, enabled=optim.autocast),
        ):
            ref_log_probs = tokens.log_probs(reference, temperature)
        ref_kl = kl_k3(log_probs, ref_log_probs)
        per_token = per_token + loss.kl * ref_kl
    value = token_mean(per_token, torch.ones_like(per_token, dtype=torch.bool), denominator)
    totals.add(
        loss=value,
        kl=kl_k3(log_probs, old).sum(),
        ref_kl=ref_kl.sum(),
        clipped=is_clipped(log_probs, old, advantages, **clip).sum(),
        entropy=-log_probs.sum(),
        tokens=len(log_probs),
        forward_tokens=len(tokens.tree),
    )
    return value


def _denominator(batch: TokenBatch, loss: LossConfig) -> float:
    """Of the whole minibatch, so that micro-batches add up."""
    if loss.aggregation == "constant":
        return float(len(batch.ids) * loss.constant_length)
    return max(1.0, float(batch.trained[:, 1:].sum()))


def _first(counts: Sequence[int]) -> int:
    """A row that is trained on."""
    return next(row for row, count in enumerate(counts) if count)


def _minibatches(groups: Sequence[int], count: int) -> Iterator[list[int]]:
    """Rows of whole groups in `count` parts of about equal size, in order."""
    distinct = list(dict.fromkeys(groups))
    size = -(-len(distinct) // count)
    for at in range(0, len(distinct), size):
        chosen = set(distinct[at : at + size])
        yield [row for row, group in enumerate(groups) if group in chosen]


def _chunks(batch: TokenBatch, max_tokens: int, share: bool) -> Iterator[list[int]]:
    """Rows in chunks of at most `max_tokens` tokens, or one row each."""
    return (_shared_chunks if share else _padded_chunks)(batch, max_tokens)


def _shared_chunks(batch: TokenBatch, max_tokens: int) -> Iterator[list[int]]:
    """As they come, so that a group's rows stand together; a shared token counts once."""
    tree, chunk = TokenTree(), list[int]()
    for row, (ids, length) in enumerate(
        zip(batch.ids.numpy(), batch.lengths.tolist(), strict=True)
    ):
        if chunk and len(tree) + tree.missing(ids[:length]) > max_tokens:
            yield chunk
            tree, chunk = TokenTree(), []
        tree.add(ids[:length])
        chunk.append(row)
    yield chunk


def _padded_chunks(batch: TokenBatch, max_tokens: int) -> Iterator[list[int]]:
    """In order of length, so that little is padded; padding counts."""
    lengths = batch.lengths.tolist()
    chunk: list[int] = []
    for row in sorted(range(len(lengths)), key=lambda row: lengths[row]):
        if chunk and (len(chunk) + 1) * lengths[row] > max_tokens:
            yield chunk
            chunk = []
        chunk.append(row)
    yield chunk


SUMS = ("loss", "kl", "ref_kl", "clipped", "entropy", "tokens", "forward_tokens")


class _Totals:
    """Sums over the micro-batches of an update."""

    def __init__(self) -> None:
        self.norms: list[float] = []
        self._sums: dict[str, float] = {}

    @property
    def loss(self) -> float:
        """Of the micro-batches so far."""
        return self._sums.get("loss", 0.0)

    def add(self, **values: Tensor | float) -> None:
        for name, value in values.items():
            number = value.item() if isinstance(value, Tensor) else value
            self._sums[name] = self._sums.get(name, 0.0) + number

    def stats(self, executor: Executor) -> UpdateStats:
        sums = executor.add({name: self._sums.get(name, 0.0) for name in SUMS})
        tokens = max(1.0, sums["tokens"])
        return UpdateStats(
            loss=sums["loss"] / max(1, len(self.norms)),
            grad_norm=sum(self.norms) / max(1, len(self.norms)),
            kl=sums["kl"] / tokens,
            ref_kl=sums["ref_kl"] / tokens,
            clip_share=sums["clipped"] / tokens,
            entropy=sums["entropy"] / tokens,
            tokens=int(sums["tokens"]),
            forward_tokens=int(sums["forward_tokens"]),
        )
