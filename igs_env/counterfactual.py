"""Counterfactual documents: what a search's documents are replaced by, by name.

Every draw is keyed by (episode seed, question id, step, draw), so that it depends neither on
batching nor on scheduling, and members of a group share theirs (common random numbers).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

from igs_env.contexts import fragments
from igs_env.errors import ConfigurationError, RetrievalError
from igs_env.prompt import clean_documents
from igs_env.transition import Rules, retrieval_query
from igs_env.types import Document, Documents, Episode, Fragment, Search


def draw_key(episode: Episode, step: int, draw: int) -> np.random.Generator:
    """Random stream of one draw: the same in every process and every batch."""
    text = f"{episode.seed}\0{episode.question.id}\0{step}\0{draw}"
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest, "little")))


class CorpusSampler:
    """Documents drawn uniformly from the corpus, as many as the search returned.

    Documents that the search itself returned are not drawn. Needs no other episode: the
    environment's default.
    """

    name = "corpus"

    def __init__(self, corpus: Documents, rules: Rules) -> None:
        """Draw from `corpus`, cleaned as `rules` clean what a search returns.

        Raises `ConfigurationError` for a corpus without documents, such as `none`.
        """
        if not len(corpus):
            raise ConfigurationError(
                "sampler 'corpus' draws documents, and there are none: give corpus= the documents "
                "that the server searches, or take other_questions, or none for no gain"
            )
        self._corpus, self._rules = corpus, rules

    def sample(
        self,
        episode: Episode,
        step: int,
        *,
        draws: int,
        batch: Sequence[Episode] = (),
        with_refine: bool = False,
    ) -> tuple[Fragment, ...]:
        """See `FragmentSampler.sample`; empty when the corpus is too small to differ, or when a
        refine text is wanted, which a corpus does not have."""
        real = episode.steps[step].documents
        if with_refine or len(self._corpus) < 2 * len(real):
            return ()
        return tuple(
            Fragment(documents=self._draw(episode, step, draw, real)) for draw in range(draws)
        )

    def _draw(
        self, episode: Episode, step: int, draw: int, real: Sequence[Document]
    ) -> tuple[Document, ...]:
        stream = draw_key(episode, step, draw)
        taken = {document.id for document in real}
        chosen: list[Document] = []
        while len(chosen) < len(real):
            document = self._corpus[int(stream.integers(len(self._corpus)))]
            if document.id not in taken:
                taken.add(document.id)
                chosen.append(document)
        rules = self._rules
        return clean_documents(chosen, limit=rules.max_document_length, length=rules.length)


class OtherQuestionsSampler:
    """Documents that searches of *other questions* in the batch brought (IG-Search, section 3).

    Sibling rollouts of the same question are excluded by question id: drawing from them biases
    the gain towards 0 (trap T1). Distinct fragments; without a search of another question
    there is nothing to draw and the gain is absent.
    """

    name = "other_questions"

    def __init__(self, corpus: Documents = (), rules: Rules | None = None) -> None:
        """Neither is needed: everything drawn comes from `batch`."""
        del corpus, rules

    def sample(
        self,
        episode: Episode,
        step: int,
        *,
        draws: int,
        batch: Sequence[Episode] = (),
        with_refine: bool = False,
    ) -> tuple[Fragment, ...]:
        """See `FragmentSampler.sample`."""
        pool = [
            fragment
            for other in sorted(batch, key=lambda e: (e.question.id, e.id))
            if other.question.id != episode.question.id
            for fragment in fragments(other)
            if not with_refine or fragment.refine is not None
        ]
        return tuple(
            pool.pop(int(draw_key(episode, step, draw).integers(len(pool))))
            for draw in range(min(draws, len(pool)))
        )


class HardNegativesSampler:
    """Documents that the same query ranks lower: related, but not what was returned.

    Draw j holds the ranks `(j+1)·k … (j+2)·k − 1`. Not random: draws differ in difficulty, so
    the standard error over them is not one of a mean over exchangeable draws.
    """

    name = "hard_negatives"

    def __init__(self, corpus: Documents, rules: Rules) -> None:
        """Search with the retriever of `rules`; `corpus` is not read."""
        del corpus
        self._rules = rules

    def sample(
        self,
        episode: Episode,
        step: int,
        *,
        draws: int,
        batch: Sequence[Episode] = (),
        with_refine: bool = False,
    ) -> tuple[Fragment, ...]:
        """See `FragmentSampler.sample`; empty when the query matches too few documents."""
        taken, rules = episode.steps[step], self._rules
        size = len(taken.documents)
        if with_refine or not isinstance(taken.action, Search) or size == 0:
            return ()
        query = retrieval_query(taken.action.query)
        try:
            (ranked,) = rules.retriever.search([query], size * (draws + 1))
        except RetrievalError:
            return ()  # the gain is then absent, as for a search that failed
        lower = clean_documents(ranked[size:], limit=rules.max_document_length, length=rules.length)
        blocks = [lower[at : at + size] for at in range(0, len(lower), size)]
        return tuple(Fragment(documents=block) for block in blocks if len(block) == size)


class EmptySampler:
    """No documents at all: the ablation of IG-Search, section 5 (one draw, nothing random)."""

    name = "empty"

    def __init__(self, corpus: Documents = (), rules: Rules | None = None) -> None:
        """Neither is needed."""
        del corpus, rules

    def sample(
        self,
        episode: Episode,
        step: int,
        *,
        draws: int,
        batch: Sequence[Episode] = (),
        with_refine: bool = False,
    ) -> tuple[Fragment, ...]:
        """See `FragmentSampler.sample`."""
        return (Fragment(documents=(), refine="" if with_refine else None),)


SAMPLERS: dict[str, str | None] = {
    "corpus": "igs_env.counterfactual:CorpusSampler",
    "other_questions": "igs_env.counterfactual:OtherQuestionsSampler",
    "hard_negatives": "igs_env.counterfactual:HardNegativesSampler",
    "empty": "igs_env.counterfactual:EmptySampler",
    "none": None,
}
"""Name → sampler; `none` measures no gain at all, and info flags it as absent."""
