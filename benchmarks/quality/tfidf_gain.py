"""StepSearch's information gain: what a search adds to TF-IDF similarity with gold documents.

    c_i(t) = max over the step's documents d of cos(tfidf(d), tfidf(gold_i))
    gain_t = mean over gold documents i of max(0, c_i(t) − max_{s < t} c_i(s))

arXiv 2505.15107; without its penalty for what was retrieved before, which does not depend on
whether a document was needed. Here to be judged as a signal: it reads the gold documents that the
truth it is judged by is made of, so that it is a second ceiling rather than a rival.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from igs_agent.trajectory import Trajectory
from igs_env.datasets.corpus import Corpus
from igs_env.types import Document


class TfidfGain:
    """The gain over one corpus, whose word statistics are taken once."""

    def __init__(self, corpus: Corpus) -> None:
        """Counts the words of the whole corpus."""
        self._corpus = corpus
        self._vectorizer = TfidfVectorizer().fit(_text(document) for document in corpus)

    def __call__(self, trajectories: Sequence[Trajectory]) -> list[list[float | None]]:
        """Per trajectory and step; None where nothing was searched or no document is known."""
        return [self._of(trajectory) for trajectory in trajectories]

    def _of(self, trajectory: Trajectory) -> list[float | None]:
        ids = sorted({id for hop in trajectory.episode.question.gold_documents for id in hop})
        steps = trajectory.episode.steps[: len(trajectory.turns)]
        if not ids:
            return [None] * len(steps)
        gold = self._vectorizer.transform([_text(self._corpus.by_id(id)) for id in ids])
        best, found = np.zeros(len(ids)), list[float | None]()
        for step in steps:
            if not step.searched:
                found.append(None)
                continue
            texts = [_text(document) for document in step.documents]
            alike = (
                (gold @ self._vectorizer.transform(texts).T).toarray() if texts else best[:, None]
            )
            now = alike.max(axis=1)
            found.append(float(np.maximum(0, now - best).mean()))
            best = np.maximum(best, now)
        return found


def _text(document: Document) -> str:
    return f"{document.title} {document.text}"
