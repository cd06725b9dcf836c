"""Token texts put together are the text that was recorded, or are not shown at all."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_policy import small_tokenizer
from synthetic_episodes import answer, episode, measured, with_tokens
from tokenizers import Tokenizer

from igs_agent.inspector import open_inspector
from igs_agent.inspector.rows import read_row
from igs_agent.inspector.token_texts import TokenTexts, read_token_texts
from igs_agent.inspector.tokenizer_file import tokenizer_file
from igs_env.errors import DataError

TOKENIZER: Tokenizer = small_tokenizer().backend_tokenizer  # type: ignore[attr-defined]


def encode(text: str) -> list[int]:
    return list(TOKENIZER.encode(text, add_special_tokens=False).ids)


def test_texts_of_a_real_run_are_those_that_were_recorded(small_run: Path) -> None:
    inspector = open_inspector(small_run)
    inspector.episodes.advance()
    assert inspector.tokens is not None
    assert inspector.tokens_problem is None
    for index in range(len(inspector.episodes)):
        row = inspector.episodes.row(index)
        texts = inspector.tokens.of_row(row)
        assert texts is not None
        assert len(texts) == len(row.tokens)
        for turn, step in zip(row.turns, row.steps, strict=True):
            assert "".join(texts[turn[1] : turn[2]]) == step.observation


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=30), st.text(max_size=30))
def test_whatever_the_characters_nothing_is_lost_or_added(query: str, document: str) -> None:
    query, document = (text.encode("utf-8", "replace").decode() for text in (query, document))
    search = measured(1.0, text=query, output=f"<search> {query}", observation=document)
    row = read_row(with_tokens(episode(search), encode))
    texts = TokenTexts(TOKENIZER).of_row(row)
    assert texts is not None
    (turn,) = row.turns
    assert "".join(texts[: turn[0]]) == row.prompt
    assert "".join(texts[turn[0] : turn[1]]) == row.steps[0].output
    assert "".join(texts[turn[1] : turn[2]]) == document


def test_tokens_that_share_a_character_have_it_at_the_first() -> None:
    ids = encode("🦜")
    assert len(ids) > 1  # bytes
    search = measured(1.0, text="x", output="x", observation="🦜")
    row = read_row(with_tokens(episode(search, prompt=""), encode))
    texts = TokenTexts(TOKENIZER).of_row(row)
    assert texts == ["x", "🦜", *[""] * (len(ids) - 1)]


def other_tokenizer() -> Tokenizer:
    """One of as many tokens, of which two letters have changed places."""
    known = json.loads(TOKENIZER.to_str())
    vocabulary = known["model"]["vocab"]
    vocabulary["<"], vocabulary["e"] = vocabulary["e"], vocabulary["<"]
    return Tokenizer.from_str(json.dumps(known))


def test_another_tokenizer_is_seen_by_its_texts_and_shows_nothing() -> None:
    row = read_row(with_tokens(episode(answer("Ann")), encode))
    assert TokenTexts(TOKENIZER).of_row(row) is not None
    assert TokenTexts(other_tokenizer()).of_row(row) is None


def test_a_token_that_the_tokenizer_does_not_have_is_not_guessed() -> None:
    row = with_tokens(episode(answer("Ann")), encode)
    for foreign in (10**6, -1, 2**70):
        changed = read_row({**row, "tokens": [foreign, *row["tokens"][1:]]})
        assert TokenTexts(TOKENIZER).of_row(changed) is None


def test_a_checkpoints_tokenizer_comes_before_the_first_policys(
    small_run: Path, searcher_folder: Path, tmp_path: Path
) -> None:
    found = tokenizer_file(small_run, str(searcher_folder))
    assert found is not None
    assert found.is_relative_to(small_run)
    assert found.parent.name.startswith("update-")
    assert tokenizer_file(tmp_path, str(searcher_folder)) == searcher_folder / "tokenizer.json"
    assert tokenizer_file(tmp_path, "") is None
    assert tokenizer_file(tmp_path, "nobody/has-this-model") is None


def test_a_checkpoint_that_is_being_written_is_not_looked_into(tmp_path: Path) -> None:
    half = tmp_path / "best" / "update-000004.partial"
    half.mkdir(parents=True)
    (half / "tokenizer.json").write_text("{")
    assert tokenizer_file(tmp_path, "") is None


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"model": 5}'])
def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "tokenizer.json").write_text(content)
    with pytest.raises(DataError, match="tokenizer"):
        read_token_texts(tmp_path / "tokenizer.json")
