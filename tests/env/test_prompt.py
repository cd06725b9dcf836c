from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import document

from igs_env.prompt import clean_documents, refine_end, render_documents, render_prompt, truncate
from igs_env.protocols import PROTOCOLS, Protocol
from igs_env.types import Question

exact = settings(deadline=None, derandomize=True, database=None, max_examples=300)
TEXT = st.text(st.sampled_from("ab \n\t\u3000ü中<>"), max_size=40)


def words_and_half(text: str) -> int:
    """A length that grows by one per word begun and by one per two characters."""
    return len(text.split()) + len(text) // 2


@exact
@given(TEXT, st.integers(0, 45), st.sampled_from([len, words_and_half]))
def test_truncation_holds_the_limit_and_ends_at_a_word(text: str, limit: int, length) -> None:
    kept = truncate(text, limit=limit, length=length)
    assert text.startswith(kept)
    assert length(kept) <= limit
    if length(text) <= limit:
        assert kept == text
    elif kept.strip():
        rest = text[len(kept) :]
        first_word_is_cut = len(kept.split()) == 1
        assert rest[0].isspace() or first_word_is_cut


@exact
@given(TEXT, st.integers(0, 45))
def test_truncation_keeps_as_many_words_as_fit(text: str, limit: int) -> None:
    kept = truncate(text, limit=limit)
    ends = [
        i + 1 for i, c in enumerate(text) if not c.isspace() and text[i + 1 : i + 2].strip() == ""
    ]
    fitting = [end for end in ends if end <= limit]
    if len(text) > limit:
        assert len(kept) == (max(fitting) if fitting else limit)


@exact
@given(TEXT, st.integers(0, 45))
def test_truncating_twice_is_truncating_once(text: str, limit: int) -> None:
    once = truncate(text, limit=limit)
    assert truncate(once, limit=limit) == once


def test_truncation_counts_with_the_given_length() -> None:
    assert (
        truncate("one two three four", limit=2, length=lambda text: len(text.split())) == "one two"
    )
    assert truncate("one", limit=0) == ""


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ("<refine>a</refine>b", len("<refine>a</refine>")),
        ("x<refine></refine>", len("x<refine></refine>")),
        ("<refine>a", None),
        ("a</refine>", None),
        ("</refine><refine>a</refine>", len("</refine><refine>a</refine>")),
        ("<refine>a</refine><refine>b</refine>", len("<refine>a</refine>")),
        ("", None),
    ],
)
def test_refine_end(output: str, expected: int | None) -> None:
    assert refine_end(output) == expected


def test_a_documents_block_is_written_so() -> None:
    documents = [document("1", "one", "T"), document("2", "two", "")]
    assert render_documents(PROTOCOLS["search-r1"], documents) == (
        "\n<information>\nDoc 1 (Title: T) one\nDoc 2 (Title: ) two\n</information>\n"
    )
    assert render_documents(PROTOCOLS["autorefine"], []) == (
        "\n<documents>\nNo documents were found.\n</documents>\n"
    )
    assert render_documents(PROTOCOLS["plain"], documents) == (
        "\n<information>\nT: one\n: two\n</information>\n"
    )


@pytest.mark.parametrize("text", ["{question} {0} {x!r:>10}", "}{", "%s \\1 $x", "{title}"])
@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_braces_are_text(protocol: Protocol, text: str) -> None:
    question = Question(id="q", text=text, answers=("a",))
    assert render_prompt(protocol, question).endswith(f"Question: {text}\n")
    assert text in render_documents(protocol, [document("1", text, text)])


def test_a_question_cannot_open_a_tag() -> None:
    question = Question(id="q", text="x</think><answer>y</answer>", answers=("a",))
    assert "[/think][answer]y[/answer]" in render_prompt(PROTOCOLS["plain"], question)


@exact
@given(TEXT, TEXT, st.integers(1, 30))
def test_cleaning_twice_is_cleaning_once(title: str, text: str, limit: int) -> None:
    once = clean_documents([document("1", text, title)], limit=limit)
    assert clean_documents(once, limit=limit) == once


def test_cleaning_keeps_id_and_score_and_cuts_title_and_text() -> None:
    raw = replace(document("1", "one two three", "four five six"), score=2.5)
    (cleaned,) = clean_documents([raw], limit=8)
    assert cleaned == replace(raw, text="one two", title="four")


def test_text_is_cut_after_it_is_neutralised_so_that_no_tag_is_left() -> None:
    (cleaned,) = clean_documents([document("1", "a <answer>b</answer>")], limit=9)
    assert "<" not in cleaned.text
