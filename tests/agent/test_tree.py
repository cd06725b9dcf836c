"""A tree of tokens through a model equals every one of its paths through it alone."""

from __future__ import annotations

import copy
import logging
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, DynamicCache, LlamaConfig, Qwen2Config

from igs_agent.policy import Policy
from igs_agent.tree import (
    Read,
    TokenTree,
    cascade,
    known_tokens,
    new_hidden_states,
    shares_prefixes,
    tree_hidden_states,
)
from igs_agent.tree.forward import _say_once, masked_hidden_states
from igs_agent.tree.token_tree import Call

SIZES = {
    "vocab_size": 64,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "max_position_embeddings": 256,
}


@pytest.fixture(scope="module", params=[LlamaConfig, Qwen2Config])
def grouped(request: pytest.FixtureRequest, policy: Policy) -> Policy:
    """A random model whose query heads share key-value heads."""
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(request.param(**SIZES))
    return replace(policy, model=model.eval())


@st.composite
def trees(draw: st.DrawFn) -> tuple[TokenTree, list[np.ndarray]]:
    """(a tree, its sequences): of few tokens, so that many begin alike or hold one another."""
    tree, sequences = TokenTree(), []
    for _ in range(draw(st.integers(1, 9))):
        start = draw(st.sampled_from([np.zeros(0, dtype=np.int64), *sequences]))
        kept = start[: draw(st.integers(0, len(start)))].tolist()
        ids = np.array(kept + draw(st.lists(st.integers(0, 2), min_size=1, max_size=6)))
        assert tree.add(ids, draw(st.sampled_from(["one", "other"]))) == len(sequences)
        sequences.append(ids)
    return tree, sequences


@given(trees())
@settings(deadline=None, max_examples=100)
def test_a_tree_holds_its_sequences_and_every_beginning_once(
    made: tuple[TokenTree, list[np.ndarray]],
) -> None:
    tree, sequences = made
    for number, ids in enumerate(sequences):
        path = tree.path(number)
        assert tree.ids[path].tolist() == ids.tolist()
        assert tree.positions[path].tolist() == list(range(len(ids)))
    assert len(tree) == len(tree.ids) == len({tuple(r) for r in rows_seen(tree)})
    # A beginning that two scopes have is there twice, but never three times.
    beginnings = {tuple(ids[: n + 1]) for ids in sequences for n in range(len(ids))}
    assert len(beginnings) <= len(tree) <= 2 * len(beginnings)


def rows_seen(tree: TokenTree, calls: Sequence[Call] | None = None) -> np.ndarray:
    """(T, T): true where the first token sees the second."""
    seen = np.zeros((len(tree), len(tree)), dtype=bool)
    for query, key, causal in calls or tree.calls:
        part = np.ones((query.stop - query.start, key.stop - key.start), dtype=bool)
        assert not seen[query, key].any()
        seen[query, key] = np.tril(part) if causal else part
    return seen


def test_what_the_tree_would_grow_by_is_known_before() -> None:
    tree = TokenTree()
    assert tree.missing([1, 2, 3]) == 3
    tree.add([1, 2, 3])
    assert tree.missing([1, 2, 4, 5]) == 2
    assert tree.missing([1, 2]) == 0
    assert tree.missing([1, 2], scope="another") == 2


@given(trees())
@settings(deadline=None, max_examples=40)
def test_each_path_reads_as_if_it_stood_alone(
    grouped: Policy, made: tuple[TokenTree, list[np.ndarray]]
) -> None:
    tree, sequences = made
    with torch.no_grad():
        packed, masked = tree_hidden_states(grouped, tree), masked_hidden_states(grouped, tree)
        for number in range(len(sequences)):
            path = tree.path(number)
            alone = grouped.hidden_states(input_ids=torch.from_numpy(tree.ids[path])[None])[0]
            for found in (packed, masked):
                np.testing.assert_allclose(found[path].numpy(), alone.numpy(), atol=1e-5)


@given(trees())
@settings(deadline=None, max_examples=50)
def test_halving_long_spans_changes_nothing_that_is_seen(
    made: tuple[TokenTree, list[np.ndarray]],
) -> None:
    tree, _ = made
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cascade, "HALVED", 2)
        halved = cascade._halved(tree.calls)
    assert all(call.query.stop - call.query.start <= 2 for call in halved if call.causal)
    np.testing.assert_array_equal(rows_seen(tree, halved), rows_seen(tree))


@pytest.mark.parametrize("halved", [1024, 2])
@given(made=trees())
@settings(deadline=None, max_examples=20)
def test_gradients_equal_those_through_a_mask(
    grouped: Policy, made: tuple[TokenTree, list[np.ndarray]], halved: int
) -> None:
    tree, _ = made
    # All of one sign along a feature: equal tokens have equal states, which must not cancel out.
    weights = torch.outer(torch.linspace(0.5, 1.5, len(tree)), torch.linspace(-1, 1, 32))

    def gradient(hidden: torch.Tensor) -> torch.Tensor:
        parameters = list(grouped.model.get_decoder().parameters())
        found = torch.autograd.grad((hidden * weights).sum(), parameters)
        return torch.cat([part.flatten() for part in found])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cascade, "HALVED", halved)
        ours = gradient(tree_hidden_states(grouped, tree))
    theirs = gradient(masked_hidden_states(grouped, tree))
    assert float((ours - theirs).norm() / theirs.norm()) < 1e-5


@given(trees(), st.data())
@settings(deadline=None, max_examples=40)
def test_what_was_read_before_is_not_read_again_and_changes_nothing(
    grouped: Policy, made: tuple[TokenTree, list[np.ndarray]], data: st.DataObject
) -> None:
    tree, sequences = made
    wanted = np.array(data.draw(st.lists(st.integers(0, len(tree) - 1), min_size=1, max_size=3)))
    read = []
    for number, ids in enumerate(sequences):
        length = data.draw(st.integers(0, len(ids)))
        if length:
            keys, values = read_alone(grouped, ids)
            read.append(Read(number, length, keys, values))
    known = known_tokens(tree, read, wanted)
    assert set(wanted.tolist()) <= set(known.new.tolist())
    with torch.no_grad():
        found = new_hidden_states(grouped, tree, known)
        whole = tree_hidden_states(grouped, tree)
    np.testing.assert_allclose(found.numpy(), whole[known.new].numpy(), atol=1e-5)
    # Nothing is read without a reason: it follows what is wanted, or nobody has read it.
    covered = {int(place) for part in read for place in tree.path(part.sequence)[: part.length]}
    asked = {int(p) for w in wanted for p in range(w, tree.subtree_end(int(w)))}
    assert set(known.new.tolist()) == set(range(len(tree))) - covered | asked


def read_alone(policy: Policy, ids: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Keys and values of a sequence in transformers' own cache, (layers, heads, tokens, size)."""
    cache = DynamicCache()
    with torch.no_grad():
        policy.hidden_states(input_ids=torch.from_numpy(ids)[None], past_key_values=cache)
    keys = torch.stack([layer.keys[0] for layer in cache.layers])
    return keys, torch.stack([layer.values[0] for layer in cache.layers])


def test_half_precision_stays_within_its_own_rounding(grouped: Policy) -> None:
    tree = TokenTree()
    for at in (10, 20, 40):
        tree.add([*range(at), *range(63, 43, -1)])
    with torch.no_grad():
        exact = tree_hidden_states(grouped, tree)
        with torch.autocast("cpu", torch.bfloat16):
            packed = tree_hidden_states(grouped, tree)
            masked = masked_hidden_states(grouped, tree)
    error = (masked - exact).norm() / exact.norm()
    assert 0 < error < 0.02
    assert float((packed - exact).norm() / exact.norm()) < 2 * float(error)


def test_a_model_of_another_shape_takes_the_mask_and_says_why(
    grouped: Policy, caplog: pytest.LogCaptureFixture
) -> None:
    model = copy.deepcopy(grouped.model)
    model.config.model_type = "gpt_neo"
    other = replace(grouped, model=model)
    _say_once.cache_clear()
    with caplog.at_level(logging.INFO):
        assert shares_prefixes(grouped)
        assert not shares_prefixes(other)
    assert "gpt_neo" in caplog.text
    tree = TokenTree()
    tree.add([1, 2, 3])
    tree.add([1, 2, 4, 5])
    with torch.no_grad():
        torch.testing.assert_close(
            tree_hidden_states(other, tree), masked_hidden_states(other, tree)
        )


def test_the_attention_is_the_models_own_again_afterwards(grouped: Policy) -> None:
    before = grouped.model.config._attn_implementation
    tree = TokenTree()
    tree.add([1, 2, 3])
    with torch.no_grad():
        tree_hidden_states(grouped, tree)
    assert grouped.model.config._attn_implementation == before != "igs_tree"


def test_a_sequence_without_a_token_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one token"):
        TokenTree().add([])
