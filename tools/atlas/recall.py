"""How often BM25 finds the gold passages of dev."""

from __future__ import annotations

from collections import defaultdict

from igs_env.datasets import open_corpus
from igs_env.datasets.atlas import questions
from igs_env.retrievers import make_retriever
from tools.atlas.tables import table

DEPTHS = (1, 3, 10)
"""Passages looked at."""


def recall() -> str:
    """Recall by kind of question, for the question as the query and for the gold queries."""
    retriever = make_retriever("bm25", open_corpus("atlas"))
    dev = questions(split="dev")
    asked = [(q, q.text, {d for hop in q.gold_documents for d in hop}) for q in dev]
    last = [(q, q.text, set(q.gold_documents[-1])) for q in dev]
    sought = [
        (q, query, set(gold))
        for q in dev
        for query, gold in zip(q.metadata["queries"], q.gold_documents, strict=True)
    ]
    tables = []
    for title, lookups in (
        ("The question as the query; found: a gold passage of any hop", asked),
        ("The question as the query; found: a gold passage of the last hop", last),
        ("The gold query of each hop; found: a gold passage of that hop", sought),
    ):
        shown = retriever.search([query for _, query, _ in lookups], top_k=max(DEPTHS))
        ranks: dict[tuple[str, object], list[int]] = defaultdict(list)
        for (question, _, gold), documents in zip(lookups, shown, strict=True):
            found = (place for place, document in enumerate(documents) if document.id in gold)
            rank = next(found, max(DEPTHS))
            ranks[question.kind, question.hops].append(rank)
            ranks["all", ""].append(rank)
        rows = [
            (
                *kind,
                len(found),
                *(f"{sum(r < depth for r in found) / len(found):.3f}" for depth in DEPTHS),
            )
            for kind, found in sorted(
                ranks.items(), key=lambda item: (item[0][0] == "all", str(item[0]))
            )
        ]
        header = ("kind", "hops", "queries", *(f"recall@{depth}" for depth in DEPTHS))
        tables.append(f"{title}:\n\n{table(header, rows)}")
    return "## What BM25 finds on dev\n\n`bm25` with its defaults.\n\n" + "\n".join(tables)
