"""Scores of a short answer against gold answers and their aliases.

SQuAD's normalisation (Rajpurkar et al. 2016, arXiv 1606.05250) as the open-domain QA field
uses it: lower case, no punctuation, no articles, single spaces. Every score is the best over
the gold answers and lies in [0, 1].
"""

from __future__ import annotations

import re
import string
from collections import Counter
from collections.abc import Sequence

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = frozenset(string.punctuation)


def normalise_answer(text: str) -> str:
    """`text` in the form in which answers are compared.

    >>> normalise_answer("The  Beatles!")
    'beatles'
    """
    lowered = "".join(char for char in text.lower() if char not in _PUNCTUATION)
    return " ".join(_ARTICLES.sub(" ", lowered).split())


def exact_match(prediction: str, answers: Sequence[str]) -> float:
    """1.0 if the normalised prediction equals a normalised gold answer, else 0.0.

    >>> exact_match("the USA", ("United States", "USA"))
    1.0
    """
    predicted = normalise_answer(prediction)
    return float(any(predicted == normalise_answer(answer) for answer in answers))


def sub_exact_match(prediction: str, answers: Sequence[str]) -> float:
    """1.0 if a normalised gold answer occurs in the normalised prediction, else 0.0.

    Differs: a gold answer that normalises to nothing (an article) does not count as found.

    >>> sub_exact_match("It was Ridley Scott.", ("Ridley Scott",))
    1.0
    """
    predicted = normalise_answer(prediction)
    golds = filter(None, map(normalise_answer, answers))
    return float(any(gold in predicted for gold in golds))


def f1(prediction: str, answers: Sequence[str]) -> float:
    """Greatest token F1 of the prediction over the gold answers.

    As in HotpotQA's official script, `yes`, `no` and `noanswer` score only when they are equal:
    they share no partial credit with a longer text.

    >>> f1("director Ridley Scott", ("Ridley Scott",)) == 2 * (2 / 3) * 1 / (2 / 3 + 1)
    True
    """
    return max(_f1(normalise_answer(prediction), normalise_answer(answer)) for answer in answers)


def _f1(predicted: str, gold: str) -> float:
    closed = {"yes", "no", "noanswer"}
    if predicted != gold and (predicted in closed or gold in closed):
        return 0.0
    predicted_words, gold_words = predicted.split(), gold.split()
    common = sum((Counter(predicted_words) & Counter(gold_words)).values())
    if common == 0:
        return 0.0
    precision, recall = common / len(predicted_words), common / len(gold_words)
    return 2 * precision * recall / (precision + recall)
