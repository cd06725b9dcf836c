"""The text of each token, so that the tokens of a stretch put together are its text."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from igs_agent.inspector.rows import EpisodeRow
from igs_env.errors import DataError, missing_package

if TYPE_CHECKING:
    from tokenizers import Tokenizer

_HALF = "\ufffd"
"""What half a character decodes to."""


class TokenTexts:
    """Texts of the tokens of one tokenizer."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        """Texts are decoded when they are first needed, and kept."""
        self._tokenizer = tokenizer
        self._size = tokenizer.get_vocab_size(with_added_tokens=True)
        added = tokenizer.get_added_tokens_decoder()
        self._special = frozenset(id for id, token in added.items() if token.special)
        # A decoder may drop the space before a first token; behind an anchor none is first.
        self._anchor = tokenizer.encode("a", add_special_tokens=False).ids[-1:]
        self._anchor_text = self._decode(self._anchor)
        self._known: dict[int, str] = {}

    def of_row(self, row: EpisodeRow) -> list[str] | None:
        """One text per token of an episode.

        None where they are not what the row says that the policy wrote: then the tokenizer is
        another one, and its texts would be wrong.
        """
        if not row.turns or any(not 0 <= id < self._size for id in row.tokens):
            return None
        texts = self._of(row.tokens[: row.turns[0][0]])
        for turn, step in zip(row.turns, row.steps, strict=True):
            start, end, observation_end = turn[:3]
            texts += [""] * (start - len(texts))
            written = self._of(row.tokens[start:end])
            if self._without_special(row.tokens[start:end], written) != step.output:
                return None
            texts += written + self._of(row.tokens[end:observation_end])
        return texts + self._of(row.tokens[len(texts) :])

    def _of(self, ids: Sequence[int]) -> list[str]:
        """Texts of a stretch; tokens that share a character have it at the first of them."""
        texts = [self._single(id) for id in ids]
        index = 0
        while index < len(ids):
            end = index
            while end < len(ids) and _HALF in texts[end]:
                end += 1
            if end > index:
                texts[index:end] = [self._behind_anchor(ids[index:end])] + [""] * (end - index - 1)
            index = end + 1
        return texts

    def _single(self, id: int) -> str:
        if id not in self._known:
            self._known[id] = self._behind_anchor([id])
        return self._known[id]

    def _behind_anchor(self, ids: Sequence[int]) -> str:
        return self._decode([*self._anchor, *ids])[len(self._anchor_text) :]

    def _decode(self, ids: Sequence[int]) -> str:
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False))

    def _without_special(self, ids: Sequence[int], texts: Sequence[str]) -> str:
        pairs = zip(ids, texts, strict=True)
        return "".join(text for id, text in pairs if id not in self._special)


def read_token_texts(file: Path) -> TokenTexts:
    """Texts of the tokenizer in a `tokenizer.json`.

    Raises:
        MissingPackageError: tokenizers is not installed.
        DataError: the file is no tokenizer.
    """
    try:
        from tokenizers import Tokenizer
    except ImportError as error:
        raise missing_package("tokenizers", extra="agent", purpose="showing tokens") from error
    try:
        text = file.read_text(encoding="utf-8")
        known = json.loads(text)
    except (OSError, ValueError) as error:
        raise DataError(f"{file} cannot be read: {error}") from error
    if not isinstance(known, dict) or not isinstance(known.get("model"), dict):
        raise DataError(f"{file} is no tokenizer: it has no model")
    return TokenTexts(Tokenizer.from_str(text))
