"""A tree of tokens through a model equals every one of its paths through it alone."""

from __future__ import annotations

import copy
import logging
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import AutoModelForCausalLM, LlamaConfig, Qwen2Config

from igs_agent.policy import Policy
from igs_agent.tree import TokenTree, shares_prefixes, tree_hidden_states
from igs_agent.tree.forward import _say_once, masked_hidden_states

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
def trees(draw: st.DrawFn) -> tuple[TokenTree, list[int]]:
    """(a tree, its spans' numbers): roots, chains and branches at any place."""
    tree = TokenTree()
    extents: list[tuple[int, int]] = []
    for number in range(draw(st.integers(1, 9))):
        ids = draw(st.lists(st.integers(0, 63), min_size=1, max_size=7))
        parent = draw(st.none() | st.integers(0, number - 1)) if number else None
        at = 0 if parent is None else draw(st.integers(*extents[parent]))
        tree.add(ids, parent, None if parent is None else at)
        extents.append((at, at + len(ids)))
    return tree, list(range(len(extents)))


@given(trees())
@settings(deadline=None, max_examples=40)
def test_each_path_reads_as_if_it_stood_alone(
    grouped: Policy, made: tuple[TokenTree, list[int]]
) -> None:
    tree, spans = made
    with torch.no_grad():
        packed, masked = tree_hidden_states(grouped, tree), masked_hidden_states(grouped, tree)
        for span in spans:
            path = tree.path(span)
            alone = grouped.hidden_states(input_ids=torch.from_numpy(tree.ids[path])[None])[0]
            for found in (packed, masked):
                np.testing.assert_allclose(found[path].numpy(), alone.numpy(), atol=1e-5)


@given(trees())
@settings(deadline=None, max_examples=20)
def test_gradients_equal_those_through_a_mask(
    grouped: Policy, made: tuple[TokenTree, list[int]]
) -> None:
    tree, _ = made
    weights = torch.linspace(-1, 1, len(tree))[:, None]

    def gradient(hidden: torch.Tensor) -> torch.Tensor:
        parameters = list(grouped.model.get_decoder().parameters())
        found = torch.autograd.grad((hidden * weights).sum(), parameters)
        return torch.cat([part.flatten() for part in found])

    ours = gradient(tree_hidden_states(grouped, tree))
    theirs = gradient(masked_hidden_states(grouped, tree))
    assert float((ours - theirs).norm() / theirs.norm()) < 1e-5


def test_half_precision_stays_within_its_own_rounding(grouped: Policy) -> None:
    tree = TokenTree()
    root = tree.add(np.arange(40))
    for at in (10, 20, 40):
        tree.add(np.arange(20), root, at)
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
    tree.add([4, 5], tree.add([1, 2, 3]), at=2)
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


@pytest.mark.parametrize(
    ("ids", "parent", "at", "message"),
    [
        ([], None, None, "at least one token"),
        ([1], 3, None, "no span 3"),
        ([1], 0, 4, r"at 4 does not continue one of \[0, 3\]"),
        ([1], None, 2, r"at 2 does not continue one of \[0, 0\]"),
    ],
)
def test_spans_that_continue_nothing_are_refused(
    ids: list[int], parent: int | None, at: int | None, message: str
) -> None:
    tree = TokenTree()
    tree.add([1, 2, 3])
    with pytest.raises(ValueError, match=message):
        tree.add(ids, parent, at)
