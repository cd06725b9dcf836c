"""Scorers that need no neural model, by name."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise

import numpy as np

from igs_env.contexts import ScoreRequest, shown_fragments, shown_refine
from igs_env.information_gain import LogProbs
from igs_env.types import Documents

BACKGROUND_DOCUMENTS = 50_000
"""At most so many documents, evenly spaced, are counted for the background model."""

_WORD = re.compile(r"\w+")


@lru_cache(maxsize=1 << 15)
def words(text: str) -> tuple[str, ...]:
    """Lower-cased words, the tokens of the statistical scorer.

    >>> words("Gran Paradiso, 4,061 m")
    ('gran', 'paradiso', '4', '061', 'm')
    """
    return tuple(_WORD.findall(text.lower()))


class StatisticalScorer:
    """Smoothed bigram language model of a text given the documents in its context.

        p(w_k | w_<k, D) = b·c_D(w_k−1 w_k)/c_D(w_k−1) + u·c_D(w_k)/|D| + (1 − b − u)·p(w_k)

    Jelinek-Mercer smoothing (Jelinek and Mercer 1980; for retrieval Zhai and Lafferty 2001)
    against the corpus' add-one unigram model p. Where w_k−1 does not occur in the documents, and
    for the first word, the bigram's weight goes to the unigram; without documents all goes to p.
    *Ours*: b = 0.5, u = 0.3.

    A word statistic, not a policy's confidence: it sees whether the answer's words stand in the
    documents, in that order. It knows nothing of the question and nothing of `yes` and `no`.
    """

    name = "statistical"
    bigram_weight = 0.5
    unigram_weight = 0.3

    def __init__(self, corpus: Documents) -> None:
        """Count the background model on an evenly spaced sample of `corpus`."""
        stride = max(1, -(-len(corpus) // BACKGROUND_DOCUMENTS))
        counts: Counter[str] = Counter()
        for index in range(0, len(corpus), stride):
            document = corpus[index]
            counts.update(_WORD.findall(f"{document.title} {document.text}".lower()))
        self._counts = counts
        # One type more, for every word that was never seen.
        self._total = counts.total() + len(counts) + 1

    def token_log_probs(self, requests: Sequence[ScoreRequest]) -> list[LogProbs]:
        """See `AnswerScorer`: nats per word of the target."""
        return [self._score(request) for request in requests]

    def _score(self, request: ScoreRequest) -> LogProbs:
        texts = [words(shown_refine(request) or "")]
        for fragment in shown_fragments(request):
            for document in fragment.documents:
                texts.extend((words(document.title), words(document.text)))
        unigrams = Counter(word for text in texts for word in text)
        bigrams = Counter(pair for text in texts for pair in pairwise(text))
        total = unigrams.total()
        # A target without a single word (punctuation only) is scored as one unseen word.
        target = words(request.target) or (request.target,)
        scores = []
        for previous, word in zip(("", *target), target, strict=False):
            bigram, unigram = self.bigram_weight, self.unigram_weight
            if not unigrams[previous]:
                bigram, unigram = 0.0, bigram + unigram
            if not total:
                unigram = 0.0
            p = (1 - bigram - unigram) * (self._counts[word] + 1) / self._total
            p += unigram * unigrams[word] / max(total, 1)
            p += bigram * bigrams[previous, word] / max(unigrams[previous], 1)
            scores.append(math.log(p))
        return np.array(scores, dtype=np.float64)


SCORERS: dict[str, str] = {"statistical": "igs_env.scorers:StatisticalScorer"}
"""Name → factory, called with the corpus and `scorer_kwargs`. A causal language model is
`scorer="igs_agent.scorer:causal_lm"`: it lives with the agent, since it needs torch."""
