"""A run, opened to be looked at: its list of episodes, and blocks of whole episodes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from igs_agent.inspector.documents import DocumentTexts, open_documents
from igs_agent.inspector.episode_file import EpisodeFile
from igs_agent.inspector.filters import FILTERS
from igs_agent.inspector.index import index_page
from igs_agent.inspector.rows import EpisodeRow, as_dict
from igs_agent.inspector.run_folder import RunFolder, open_run_folder
from igs_agent.inspector.token_texts import TokenTexts, read_token_texts
from igs_agent.inspector.tokenizer_file import tokenizer_file
from igs_env.errors import DataError, MissingPackageError

BLOCK = 32
"""Episodes that the page asks for at once."""


@dataclass(slots=True, kw_only=True)
class Inspector:
    """Everything that the page shows of a run. `open_inspector` makes one."""

    folder: RunFolder
    episodes: EpisodeFile
    documents: DocumentTexts
    tokens: TokenTexts | None
    tokens_problem: str | None
    """Why no tokens can be shown, as a sentence; None where they can."""

    def run(self) -> dict[str, Any]:
        """What the page needs to know once: the run's name and facts, the filters."""
        filters = [
            {"name": name, "label": each.label, "family": each.family, "meaning": each.meaning}
            for name, each in FILTERS.items()
        ]
        name = self.folder.path.resolve().name
        return {"name": name, "facts": self.folder.facts(), "filters": filters, "block": BLOCK}

    def problems(self) -> list[str]:
        """What is missing, as sentences; grows while a file is read."""
        about = (*self.folder.problems, *self.episodes.problems())
        return [*about, *filter(None, (self.tokens_problem, self.documents.problem))]

    def index(self, since: int, count: int) -> dict[str, Any]:
        """See `index_page`."""
        return index_page(self.episodes.summaries, since, count)

    def block(self, number: int) -> dict[str, Any]:
        """Whole episodes `BLOCK × number` and following, and the documents that they name.

        Raises:
            DataError: the file has changed since it was read.
        """
        stop = min(BLOCK * (number + 1), len(self.episodes))
        rows = [self.episodes.row(index) for index in range(BLOCK * number, stop)]
        named = [id for row in rows for id in _ids(row)]
        return {
            "episodes": [self._episode(row) for row in rows],
            "documents": self.documents.of(named),
        }

    def _episode(self, row: EpisodeRow) -> dict[str, Any]:
        """The row, and the text of each token; null where that is not known."""
        texts = None if self.tokens is None else self.tokens.of_row(row)
        steps = [asdict(step) for step in row.steps]
        return {**as_dict(row), "steps": steps, "texts": texts}


def open_inspector(run: Path, corpus: str | None = None) -> Inspector:
    """The run in a folder, with its tokenizer and corpus where they are at hand.

    No episode is read yet: `Inspector.episodes.advance` does that.

    Args:
        run: folder that `igs train` writes or wrote.
        corpus: where documents are looked up; None takes the run's own if it opens in a moment.

    Raises:
        DataError: no run, or a corpus that cannot be read.
        ConfigurationError: no such corpus.
    """
    folder = open_run_folder(run)
    tokens, problem = _tokens(folder)
    return Inspector(
        folder=folder,
        episodes=EpisodeFile(folder.episodes),
        documents=open_documents(corpus or _corpus(folder), asked_for=corpus is not None),
        tokens=tokens,
        tokens_problem=problem,
    )


def _corpus(folder: RunFolder) -> str | None:
    environment = folder.settings.get("env", {})
    if not folder.settings or not isinstance(environment, Mapping):
        return None
    # As the environment does it; "none" there is a corpus that holds nothing.
    given = environment.get("corpus") or environment.get("questions") or "atlas"
    return given if isinstance(given, str) else None


def _tokens(folder: RunFolder) -> tuple[TokenTexts | None, str | None]:
    policy = folder.setting("policy.path")
    file = tokenizer_file(folder.path, policy if isinstance(policy, str) else "")
    if file is None:
        return None, _no_tokens("the run's tokenizer is not at hand")
    try:
        return read_token_texts(file), None
    except (DataError, MissingPackageError) as error:
        return None, _no_tokens(str(error))


def _no_tokens(reason: str) -> str:
    return f"{reason}: outputs are shown as recorded text, without colours of single tokens"


def _ids(row: EpisodeRow) -> list[str]:
    found = [id for hop in row.gold_documents for id in hop]
    for step in row.steps:
        found += [*step.documents, *(id for draw in step.counterfactual_ids for id in draw)]
    return found
