"""A tree of tokens through a model, once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface

from igs_agent.policy import Policy
from igs_agent.tree.cascade import cascade_attention
from igs_agent.tree.known import KnownTokens
from igs_agent.tree.token_tree import Call, TokenTree

logger = logging.getLogger(__name__)

NAME = "igs_tree"
"""Of the attention, among those of transformers."""


def shares_prefixes(policy: Policy) -> bool:
    """Whether a token that several sequences share costs no more than one of its own.

    Where it does not, sequences are better given as roots of their own: a mask over all that
    share a prompt would cost more than the prompt.
    """
    reason = _why_masked(policy)
    if reason:
        _say_once(policy.name, reason)
    return reason is None


def tree_hidden_states(policy: Policy, tree: TokenTree) -> Float[Tensor, "T D"]:
    """Last hidden states of the packed tokens, before the output embedding, with gradient.

    By cascade attention where the policy allows it (Llama- and Qwen2-shaped models on a CPU),
    else by a mask over each root's tokens; the log says why.
    """
    if _why_masked(policy) is None:
        return _packed(policy, tree)
    return masked_hidden_states(policy, tree)


def new_hidden_states(policy: Policy, tree: TokenTree, known: KnownTokens) -> Float[Tensor, "n D"]:
    """`tree_hidden_states` of the tokens that are not known, in order, and of no others.

    Without gradient, and only where `shares_prefixes(policy)`.
    """
    return _packed(policy, tree, known)


def masked_hidden_states(policy: Policy, tree: TokenTree) -> Float[Tensor, "T D"]:
    """`tree_hidden_states` by a mask, for any model: the reference, a row per root."""
    device, roots = policy.device, tree.roots
    width = max(root.stop - root.start for root in roots)
    ids, positions = (np.zeros((len(roots), width), dtype=np.int64) for _ in range(2))
    for row, root in enumerate(roots):
        ids[row, : root.stop - root.start] = tree.ids[root]
        positions[row, : root.stop - root.start] = tree.positions[root]
    # Padding stands behind, where causal attention never looks: without branches no mask is
    # needed, and none can hide a real token that has the padding's id (trap T4).
    mask = None if tree.is_flat else torch.from_numpy(_mask(tree, width)[:, None]).to(device)
    hidden = policy.hidden_states(
        input_ids=torch.from_numpy(ids).to(device),
        position_ids=torch.from_numpy(positions).to(device),
        attention_mask=mask,
        use_cache=False,
    )
    return torch.cat([hidden[row, : root.stop - root.start] for row, root in enumerate(roots)])


def _packed(policy: Policy, tree: TokenTree, known: KnownTokens | None = None) -> Tensor:
    read = slice(None) if known is None else known.new
    with _attention(policy):
        hidden = policy.hidden_states(
            input_ids=torch.from_numpy(tree.ids[read])[None],
            position_ids=torch.from_numpy(tree.positions[read])[None],
            use_cache=False,
            tree_calls=tree.calls if known is None else known.calls,
            tree_known=known,
        )
    return hidden[0]


def _mask(tree: TokenTree, width: int) -> Bool[np.ndarray, "R T T"]:
    """True where a token (second axis) sees another one."""
    mask = np.zeros((len(tree.roots), width, width), dtype=bool)
    for row, root in enumerate(tree.roots):
        for query, key, causal in tree.calls:
            if root.start <= query.start < root.stop:
                seen = np.ones((query.stop - query.start, key.stop - key.start), dtype=bool)
                rows = slice(query.start - root.start, query.stop - root.start)
                columns = slice(key.start - root.start, key.stop - root.start)
                mask[row, rows, columns] |= np.tril(seen) if causal else seen
    np.einsum("rii->ri", mask)[:] = True  # padding sees itself, so that no softmax is empty
    return mask


def _tree_attention(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    *,
    scaling: float,
    tree_calls: tuple[Call, ...],
    tree_known: KnownTokens | None = None,
    dropout: float = 0.0,
    **_kwargs: object,
) -> tuple[Tensor, None]:
    """As transformers calls it: (1, H, T, D) in, (1, T, H, D) out."""
    if tree_known is not None:
        key = tree_known.whole(key, module.layer_idx, of="keys")
        value = tree_known.whole(value, module.layer_idx, of="values")
    if attention_mask is not None or dropout:
        raise ValueError("attention over a tree takes neither a mask nor dropout")
    if torch.is_autocast_enabled("cpu"):  # as scaled_dot_product_attention does by itself
        query, key, value = (t.to(torch.get_autocast_dtype("cpu")) for t in (query, key, value))
    repeats = query.shape[1] // key.shape[1]
    if repeats > 1:
        key, value = (t.repeat_interleave(repeats, dim=1) for t in (key, value))
    out = cascade_attention(query, key, value, tree_calls, scaling)
    return out.transpose(1, 2), None


AttentionInterface.register(NAME, _tree_attention)
AttentionMaskInterface.register(NAME, lambda *_args, **_kwargs: None)


@contextmanager
def _attention(policy: Policy) -> Iterator[None]:
    config: Any = policy.model.config
    before = config._attn_implementation
    config._attn_implementation = NAME
    try:
        yield
    finally:
        config._attn_implementation = before


SHAPES = ("llama", "qwen2", "qwen3", "mistral")
"""`model_type` of the models whose attention is transformers' own and nothing but it."""


def _why_masked(policy: Policy) -> str | None:
    """Why cascade attention cannot be used; None where it can."""
    config: Any = policy.model.config
    if policy.device.type != "cpu":
        return f"there is no cascade attention for {policy.device.type} yet"
    if config.model_type not in SHAPES:
        return f"models of type {config.model_type!r} are not among {', '.join(SHAPES)}"
    if set(getattr(config, "layer_types", None) or ["full_attention"]) != {"full_attention"}:
        return "some layers see a window only"
    if config.model_type == "mistral" and config.sliding_window is not None:
        return "its layers see a window only"
    if getattr(config, "attention_dropout", 0.0):
        return "it drops attention weights out"
    if getattr(config, "_attn_implementation", "sdpa") not in ("sdpa", NAME):
        return f"it was loaded with {config._attn_implementation!r} attention"
    if any(getattr(module, "gradient_checkpointing", False) for module in policy.model.modules()):
        return "gradient checkpointing computes attention once more, by the model's own"
    return None


@lru_cache
def _say_once(name: str, reason: str) -> None:
    logger.info("policy %s: prefixes are not shared, since %s", name, reason)
