from __future__ import annotations

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igs_env.actions import INVALID_REASONS, action_end, neutralise, parse_action
from igs_env.protocols import TAGS
from igs_env.types import Answer, Invalid, Search

PIECES = st.lists(
    st.sampled_from(
        [
            *(f"<{tag}>" for tag in TAGS),
            *(f"</{tag}>" for tag in TAGS),
            "<",
            ">",
            "</",
            "|",
            "<|",
            "|>",
            " ",
            "\n",
            "a",
            "ü中",
            "<s>",
            "</s>",
            "[",
            "]",
            "< / Think >",
            "<SEARCH>",
        ]
    )
    | st.text(max_size=5),
    max_size=14,
).map("".join)
ACTIONS = st.builds(
    "{0}<{1}>{2}</{1}>{3}".format, PIECES, st.sampled_from(["search", "answer"]), PIECES, PIECES
)
OUTPUTS = PIECES | ACTIONS | ACTIONS
exact = settings(deadline=None, derandomize=True, database=None, max_examples=300)


@pytest.mark.parametrize(
    ("output", "kind", "text"),
    [
        ("<search>a</search>", Search, "a"),
        ("<search> a b\n</search>", Search, "a b"),
        ("<answer>a</answer>", Answer, "a"),
        ("<think>x</think>\n<answer>42</answer>", Answer, "42"),
        ("<search>a</search><answer>b</answer>", Search, "a"),
        ("<answer>b</answer><search>a</search>", Answer, "b"),
        ("<search>a<search>b</search>", Search, "b"),
        ("<search>a<answer>b</answer>", Answer, "b"),
        ("</search></answer><answer>b</answer>", Answer, "b"),
        ("<search>a</answer></search>", Invalid, "nested"),
        ("<search>a<answer>b</search>", Invalid, "nested"),
        ("<answer><think>b</think></answer>", Invalid, "nested"),
        ("<search></search><answer>b</answer>", Invalid, "empty"),
        ("<answer> \t\n\u2003</answer>", Invalid, "empty"),
        ("", Invalid, "no_action"),
        ("<search>a", Invalid, "no_action"),
        ("a</search>", Invalid, "no_action"),
        ("<Search>a</Search>", Invalid, "no_action"),
        ("< search>a</ search>", Invalid, "no_action"),
        ("<search>a</answer>", Invalid, "no_action"),
        ("<search>1 < 2 > 0 </search>", Search, "1 < 2 > 0"),
        ("<search>\ud800</search>", Search, "\ud800"),
        ("<search>\0</search>", Search, "\0"),
    ],
)
def test_the_first_complete_action_is_read(output: str, kind: type, text: str) -> None:
    action = parse_action(output)
    assert type(action) is kind
    got = {Search: "query", Answer: "text", Invalid: "reason"}[kind]
    assert getattr(action, got) == text


def test_what_follows_the_closing_tag_is_not_counted() -> None:
    assert parse_action("<search>a</search> tail").end == len("<search>a</search>")
    assert parse_action("<search> </search> tail").end == len("<search> </search>")
    assert parse_action("no action").end == len("no action")


@exact
@given(OUTPUTS)
def test_spans_index_the_content_exactly(output: str) -> None:
    action = parse_action(output)
    if isinstance(action, Invalid):
        assert action.reason in INVALID_REASONS
        assert 0 <= action.end <= len(output)
        return
    text = action.query if isinstance(action, Search) else action.text
    begin, end = action.span
    assert output[begin:end] == text == text.strip() != ""
    tag = "search" if isinstance(action, Search) else "answer"
    assert output[: action.end].endswith(f"</{tag}>")
    assert output[:begin].rstrip().endswith(f"<{tag}>")


@exact
@given(OUTPUTS, st.lists(st.integers(min_value=0, max_value=80), max_size=8))
def test_a_stream_stops_where_the_whole_text_stops(output: str, cuts: list[int]) -> None:
    seen, found = 0, None
    for cut in [*sorted(min(cut, len(output)) for cut in cuts), len(output)]:
        found = action_end(output[:cut], seen)
        if found is not None:
            break
        seen = cut
    assert found == action_end(output)


@exact
@given(OUTPUTS)
def test_a_stream_of_single_characters_stops_where_the_whole_text_stops(output: str) -> None:
    ends = (action_end(output[: seen + 1], seen) for seen in range(len(output)))
    assert next((end for end in ends if end is not None), None) == action_end(output)


def test_a_closing_tag_that_arrives_in_two_pieces_is_seen() -> None:
    output = "<search>a</search>"
    assert [action_end(output, seen) for seen in range(len(output))] == [18] * 18
    assert action_end(output, len(output)) is None


@exact
@given(OUTPUTS)
def test_action_end_is_the_end_that_the_parser_reports(output: str) -> None:
    end, action = action_end(output), parse_action(output)
    if end is None:
        assert isinstance(action, Invalid)
        assert action.reason == "no_action"
    else:
        assert action.end == end


@exact
@given(OUTPUTS)
def test_what_follows_the_action_changes_nothing(output: str) -> None:
    end = action_end(output)
    if end is not None:
        assert parse_action(output[:end]) == parse_action(output)


def tags_left(text: str) -> list[str]:
    """Control tags and chat markers in a text, found by scanning, whatever case and spacing."""
    left = []
    for close, char in enumerate(text):
        open_ = text.rfind("<", 0, close)
        if char != ">" or open_ < 0 or ">" in text[open_:close]:
            continue
        inner = text[open_ + 1 : close].strip()
        if len(inner) > 1 and inner[0] == inner[-1] == "|" and len(inner) <= 42:
            left.append(inner)
        if inner.strip("/ \t\n").casefold() in (*TAGS, "s"):
            left.append(inner)
    return left


@exact
@given(PIECES)
def test_neutralised_text_holds_no_tag(text: str) -> None:
    assert tags_left(neutralise(text)) == []


@exact
@given(PIECES)
def test_neutralising_twice_is_neutralising_once(text: str) -> None:
    assert neutralise(neutralise(text)) == neutralise(text)


def test_a_tag_inside_a_chat_marker_does_not_survive() -> None:
    assert neutralise("<|<s>|>") == "[|[s]|]"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a < b > c", "a < b > c"),
        ("<b>bold</b>", "<b>bold</b>"),
        ("<SEARCH>", "[SEARCH]"),
        ("< / Answer >", "[/ Answer]"),
        ("<think/>", "[think/]"),
        ("<|im_start|>", "[|im_start|]"),
        ("</s>", "[/s]"),
        ("<<search>>", "<[search]>"),
    ],
)
def test_only_control_tags_are_neutralised(text: str, expected: str) -> None:
    assert neutralise(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "<" + " " * 200_000,
        "<think" + " " * 200_000,
        "<|" * 100_000,
        "<" * 200_000,
        "</" * 100_000,
        "< /" * 70_000,
    ],
    ids=["spaces", "spaces behind a name", "markers", "brackets", "closings", "spaced closings"],
)
def test_neutralising_takes_linear_time(text: str) -> None:
    begun = time.perf_counter()
    neutralise(text)
    assert time.perf_counter() - begun < 2.0


@pytest.mark.parametrize(
    "output",
    ["<search>" * 100_000, "</search>" * 100_000, "<search>" + "<answer>" * 100_000 + "</search>"],
)
def test_parsing_takes_linear_time(output: str) -> None:
    begun = time.perf_counter()
    parse_action(output)
    assert time.perf_counter() - begun < 2.0
