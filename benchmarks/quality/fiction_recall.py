"""Recall of gold documents in fiction worlds, by BM25 with the gold query of each hop.

    python benchmarks/quality/fiction_recall.py

Prints a Markdown table. It shows what the knobs do: a world without look-alikes, noise and
paraphrase is solved by any retriever; with them the right document is often not the first.
"""

from __future__ import annotations

import argparse
import logging
from collections.abc import Sequence

from igs_env.datasets import load_questions, open_corpus
from igs_env.retrievers import Retriever, make_retriever
from igs_env.types import Question

logging.disable(logging.WARNING)

PLAIN = "paraphrase=1,distractors=0,link_noise=0"
WORLDS = (
    f"fiction:documents=500,facts=1,words=10,{PLAIN}",
    "fiction:documents=500,facts=1,words=10,paraphrase=1,distractors=0.4,link_noise=0",
    f"fiction:{PLAIN}",
    "fiction:paraphrase=4,distractors=0,link_noise=0",
    "fiction:paraphrase=1,distractors=0.4,link_noise=0",
    "fiction:paraphrase=1,distractors=0,link_noise=3",
    "fiction",
    "fiction:paraphrase=4,distractors=0.4,link_noise=3",
)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--questions", type=int, default=600)
    count = parser.parse_args().questions
    print("| world | gold queries | recall @1 | @3 | @10 | last hop, question as query, @10 |")
    print("|---|---|---|---|---|---|")
    for world in WORLDS:
        print(row(world, load_questions(world, split="dev", limit=count)))


def row(world: str, questions: Sequence[Question]) -> str:
    retriever = make_retriever("bm25", open_corpus(world))
    gold = [
        (query, hop[0])
        for question in questions
        for query, hop in zip(question.metadata["queries"], question.gold_documents, strict=True)
    ]
    several = [question for question in questions if question.hops > 1]
    last = [(question.text, question.gold_documents[-1][0]) for question in several]
    ranks = found_at(retriever, gold)
    recalls = [share(ranks, top_k) for top_k in (1, 3, 10)]
    cells = [f"`{world}`", str(len(gold)), *recalls, share(found_at(retriever, last), 10)]
    return f"| {' | '.join(cells)} |"


def found_at(retriever: Retriever, pairs: list[tuple[str, str]]) -> list[int]:
    """Position of the wanted document among the first ten, 10 where it is not there."""
    results = retriever.search([query for query, _ in pairs], 10)
    ids = [[document.id for document in documents] for documents in results]
    return [
        found.index(id) if id in found else 10 for found, (_, id) in zip(ids, pairs, strict=True)
    ]


def share(ranks: list[int], top_k: int) -> str:
    return f"{sum(rank < top_k for rank in ranks) / len(ranks):.3f}"


if __name__ == "__main__":
    main()
