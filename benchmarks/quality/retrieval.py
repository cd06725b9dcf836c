"""Recall of gold documents at 1, 3 and 10 for each retriever.

    python -m benchmarks.quality.retrieval --output benchmarks/quality/results/retrieval.json

Two ways of asking. *Question*: the question as it stands is the query, once; the figure is the
share of its hops that have a gold document among the first k, mean over questions. *Gold query*:
each hop's own query, written by somebody who knows the earlier hops; the share of hops found, mean
over questions. Intervals are 95 % percentile bootstraps over questions (`--seed`).

`minilm` runs in bfloat16, three times as fast on a processor that has it (cosine with float32 above
.9999), and takes ten minutes on one core for the embedded corpus, once: its index is kept in the
cache folder, and a run that was stopped goes on.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.machine import machine
from igs_env.datasets import Corpus, load_questions, open_corpus
from igs_env.retrievers import Retriever, make_retriever
from igs_env.types import Document, Question

CUTS = (1, 3, 10)
RESAMPLES = 2_000
DENSE: dict[str, dict[str, Any]] = {
    "hashing": {"encoder": "hashing"},
    "wordllama": {"encoder": "wordllama"},
    "minilm": {"encoder": "minilm", "encoder_kwargs": {"dtype": "bfloat16"}},
}
RETRIEVERS: dict[str, tuple[str, dict[str, Any]]] = {
    "bm25": ("bm25", {}),
    "dense, hashing": ("dense", DENSE["hashing"]),
    "dense, wordllama": ("dense", DENSE["wordllama"]),
    "dense, minilm": ("dense", DENSE["minilm"]),
    "hybrid, bm25 + wordllama": ("hybrid", {"retriever_kwargs": {"dense": DENSE["wordllama"]}}),
    "hybrid, bm25 + minilm": ("hybrid", {"retriever_kwargs": {"dense": DENSE["minilm"]}}),
}
"""Row of the table → what `make_retriever` takes."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", default="atlas")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--retrievers", nargs="*", default=list(RETRIEVERS), metavar="ROW")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    corpus = open_corpus(args.questions)
    questions = load_questions(args.questions, split=args.split)
    rows = {name: measure(name, corpus, questions, args.seed) for name in args.retrievers}
    result = {
        "command": {"questions": args.questions, "split": args.split, "seed": args.seed},
        "machine": machine(),
        "corpus": corpus.fingerprint,
        "documents": len(corpus),
        "questions": len(questions),
        "hops": sum(len(question.gold_documents) for question in questions),
        "retrievers": rows,
    }
    if args.output:
        args.output.write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
    print(markdown(rows))


def measure(
    name: str, corpus: Corpus, questions: Sequence[Question], seed: int
) -> dict[str, dict[str, Any]]:
    """Figures of one retriever, by way of asking, over all questions and by kind."""
    spec, kwargs = RETRIEVERS[name]
    start = time.perf_counter()
    retriever = make_retriever(spec, corpus, **kwargs)
    ready = time.perf_counter() - start
    print(f"{name}: ready after {ready:.1f} s", flush=True)
    found = {
        "question": by_question(retriever, questions),
        "gold_query": by_gold_query(retriever, questions),
    }
    kinds = {f"{q.kind}, {q.hops} hops" for q in questions}
    groups = {"all": [True] * len(questions)} | {
        kind: [f"{q.kind}, {q.hops} hops" == kind for q in questions] for kind in sorted(kinds)
    }
    return {
        way: {group: recalls(hits[np.array(chosen)], seed) for group, chosen in groups.items()}
        for way, hits in found.items()
    }


def by_question(retriever: Retriever, questions: Sequence[Question]) -> npt.NDArray[np.float64]:
    """Shape (questions, cuts): share of hops found by the question's own text."""
    found = retriever.search([question.text for question in questions], max(CUTS))
    return np.array(
        [
            [np.mean([hit(documents, hop, cut) for hop in question.gold_documents]) for cut in CUTS]
            for question, documents in zip(questions, found, strict=True)
        ]
    )


def by_gold_query(retriever: Retriever, questions: Sequence[Question]) -> npt.NDArray[np.float64]:
    """Shape (questions, cuts): share of hops found by the hop's gold query."""
    queries = [query for question in questions for query in question.metadata["queries"]]
    results = iter(retriever.search(queries, max(CUTS)))
    rows = []
    for question in questions:
        hops = [(next(results), hop) for hop in question.gold_documents]
        rows.append([np.mean([hit(found, hop, cut) for found, hop in hops]) for cut in CUTS])
    return np.array(rows)


def hit(documents: Sequence[Document], hop: Sequence[str], cut: int) -> bool:
    """One of the hop's gold documents is among the first `cut`."""
    return any(document.id in hop for document in documents[:cut])


def recalls(hits: npt.NDArray[np.float64], seed: int) -> dict[str, Any]:
    """Mean and bootstrap interval at each cut."""
    drawn = np.random.default_rng(seed).integers(len(hits), size=(RESAMPLES, len(hits)))
    figures: dict[str, Any] = {"questions": len(hits)}
    for column, cut in enumerate(CUTS):
        low, high = np.quantile(hits[:, column][drawn].mean(axis=1), [0.025, 0.975])
        figures[f"@{cut}"] = [round(float(x), 4) for x in (hits[:, column].mean(), low, high)]
    return figures


def markdown(rows: Mapping[str, Mapping[str, Any]]) -> str:
    """One line per retriever, all questions together."""
    ways = {"question": "question", "gold_query": "gold query"}
    heads = [f"{label} @{cut}" for label in ways.values() for cut in CUTS]
    lines = [f"| retriever | {' | '.join(heads)} |", "|---" * (1 + len(heads)) + "|"]
    for name, row in rows.items():
        cells = [cell(row[way]["all"][f"@{cut}"]) for way in ways for cut in CUTS]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def cell(figures: Sequence[float]) -> str:
    mean, low, high = (f"{figure:.3f}".lstrip("0") for figure in figures)
    return f"{mean} [{low}, {high}]"


if __name__ == "__main__":
    main()
