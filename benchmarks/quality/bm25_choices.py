"""What BM25's words and constants change in recall: why the defaults are what they are.

    python -m benchmarks.quality.bm25_choices --output benchmarks/quality/results/bm25_choices.json

On training questions, so that nothing is chosen on dev. Figures as in `retrieval.py`.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

from benchmarks.machine import machine
from benchmarks.quality.retrieval import by_gold_query, by_question, markdown, recalls
from igs_env.datasets import load_questions, open_corpus
from igs_env.retrievers import bm25, terms
from igs_env.retrievers.bm25 import BM25Retriever

QUESTION_WORDS = frozenset(("how", "what", "when", "where", "which", "who", "whom", "whose", "why"))
STOPWORDS = {
    "stopwords": terms.STOPWORDS,
    "question words only": QUESTION_WORDS,
    "no stopwords": frozenset[str](),
}
STEMS: dict[str, Callable[[str], str]] = {"S-stemmer": terms.stem, "no stemmer": str}
CONSTANTS = ((1.5, 0.75), (1.2, 0.75), (0.9, 0.4))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--every", type=int, default=4, help="take every n-th training question")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    corpus = open_corpus("atlas")
    questions = list(load_questions("atlas", split="train"))[:: args.every]
    rows = {}
    for words, stopwords in STOPWORDS.items():
        for stemmer, stem in STEMS.items():
            for k1, b in CONSTANTS if words == "stopwords" else CONSTANTS[:1]:
                # The index of a patched stemmer must not be kept under the real one's name.
                with (
                    patch.object(terms, "STOPWORDS", stopwords),
                    patch.object(bm25, "stem", stem),
                    patch.object(bm25, "KEPT_FROM", 10**9),
                ):
                    retriever = BM25Retriever(corpus, k1=k1, b=b)
                    hits = by_question(retriever, questions), by_gold_query(retriever, questions)
                rows[f"{words}, {stemmer}, k1 {k1}, b {b}"] = {
                    way: {"all": recalls(found, seed=0)}
                    for way, found in zip(("question", "gold_query"), hits, strict=True)
                }
    result = {"machine": machine(), "questions": len(questions), "settings": rows}
    if args.output:
        args.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(markdown(rows))


if __name__ == "__main__":
    main()
