"""Writes `docs/atlas.md` from the committed data: `python -m tools.atlas.card`."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from importlib.resources import files
from pathlib import Path

from igs_env.datasets import open_corpus
from igs_env.datasets.atlas import SPLITS, corpus, questions
from igs_env.retrievers import make_retriever
from igs_env.types import Question

FILE = Path(__file__).parents[2] / "docs" / "atlas.md"
KINDS = ("film", "person", "country", "laureate", "prize", "element")
DEPTHS = (1, 3, 10)
INTRODUCTION = """\
# The world `atlas`

Real facts as {documents:,} short passages and {questions:,} questions with checkable answers, in
the package and without a download. `python -m tools.atlas.card` wrote this page from the committed
data; `tools/atlas` made the data from public sources.

```python
>>> from igs_env.datasets.atlas import corpus, questions
>>> len(corpus()), len(questions(split="dev"))
({documents}, {dev})

```

Each question carries, per hop, the ids of the passages that suffice (`gold_documents`), and in
`metadata` the relation path (`relations`), what is looked up (`entities`) and a good search
(`queries`); `start` is what the question names. Passages are prose from several templates per kind
of fact. The facts are those of the sources, with their gaps and mistakes.
"""
GUARDS = """\
## Guards

Tested on the committed data in `tests/env/test_atlas.py`, by the words of the passages:

- no (start, relation path) is in two splits; no text of a question is there twice;
- the most frequent answer is at most 2 % of a split, `yes` and `no` included;
- every answer but `yes` and `no` is in at most 1 % of the passages;
- neither the answer nor a bridging name is in the question, but for comparisons, which name both;
- no passage holds both the start of a question of several hops and its answer;
- of the questions of several hops, 74 % or more have an answer that no other passage holds;
- gold passages name what is looked up; the last one states the answer.

The builder follows each relation path over all facts of the sources, told or not, and keeps a
question only if every step leads to one entity.
"""


def card() -> str:
    """The page."""
    sections = [
        INTRODUCTION.format(
            documents=len(corpus()),
            questions=sum(len(questions(split=split)) for split in SPLITS),
            dev=len(questions(split="dev")),
        ),
        _passages(),
        _questions(),
        GUARDS,
        _answers(),
        _recall(),
        _paths(),
        _files(),
    ]
    return "\n".join(sections)


def _passages() -> str:
    lengths: dict[str, list[int]] = defaultdict(list)
    for document in corpus():
        lengths[kind_of(document.id)].append(len(document.text.split()))
    lengths["all"] = [n for found in list(lengths.values()) for n in found]
    rows = [
        (kind, len(found), *(_quantile(found, q) for q in (0, 0.1, 0.5, 0.9, 1)))
        for kind in (*KINDS, "all")
        for found in [lengths[kind]]
    ]
    header = ("kind", "passages", "fewest words", "10 %", "median", "90 %", "most")
    return "## Passages\n\n" + _table(header, rows)


def _questions() -> str:
    counts = {s: Counter((q.kind, q.hops) for q in questions(split=s)) for s in SPLITS}
    rows = [
        (kind, hops, *(counts[split][kind, hops] for split in SPLITS))
        for kind, hops in sorted(counts["train"])
    ]
    total = ("all", "", *(len(questions(split=split)) for split in SPLITS))
    return "## Questions\n\n" + _table(("kind", "hops", *SPLITS), [*rows, total])


def _answers() -> str:
    rows = []
    for split in SPLITS:
        found = questions(split=split)
        answers = Counter(q.answers[0].lower() for q in found)
        words = [len(q.answers[0].split()) for q in found]
        (top, times), *_ = answers.most_common(1)
        rows.append(
            (
                split,
                len(answers),
                f"{top} ({times / len(found):.1%})",
                f"{sum(len(q.answers) for q in found) / len(found):.2f}",
                f"{sum(words) / len(words):.2f}",
                f"{sum(len(q.text.split()) for q in found) / len(found):.1f}",
            )
        )
    header = (
        "split",
        "different answers",
        "most frequent",
        "ways to say it",
        "words of an answer",
        "words of a question",
    )
    return "## Answers\n\n" + _table(header, rows)


def _recall() -> str:
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
        tables.append(f"{title}:\n\n{_table(header, rows)}")
    return "## What BM25 finds on dev\n\n`bm25` with its defaults.\n\n" + "\n".join(tables)


def _paths() -> str:
    counts = {s: Counter(map(path_of, questions(split=s))) for s in SPLITS}
    paths = sorted(counts["train"], key=lambda path: (-counts["train"][path], path))
    rows = [(f"`{path}`", *(counts[split][path] for split in SPLITS)) for path in paths]
    note = "One step per hop; a step with a stroke is read in one passage.\n\n"
    return "## Relation paths\n\n" + note + _table(("path", *SPLITS), rows)


def _files() -> str:
    folder = files("igs_env").joinpath("data", "atlas")
    parts = sorted((p.name, len(p.read_bytes())) for p in folder.iterdir() if p.is_file())
    rows = [(f"`{name}`", f"{size:,}") for name, size in parts]
    total = ("all", f"{sum(size for _, size in parts):,}")
    note = "Columns as JSON, compressed with LZMA; the standard library reads them.\n\n"
    licences = files("igs_env").joinpath("data", "atlas", "LICENSES.md").read_text("utf-8")
    told = re.sub(r"^# .*", "## Sources and licences", licences)
    return "## Files\n\n" + note + _table(("file", "bytes"), [*rows, total]) + "\n" + told


def path_of(question: Question) -> str:
    """A question's relations in one line."""
    return " → ".join(question.metadata["relations"])


def kind_of(document: str) -> str:
    """A passage's kind, which its id begins with."""
    return document.partition("-")[0]


def _quantile(numbers: Sequence[int], share: float) -> int:
    return sorted(numbers)[round(share * (len(numbers) - 1))]


def _table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join(f"| {' | '.join(map(str, line))} |\n" for line in lines)


if __name__ == "__main__":
    FILE.write_text(card(), encoding="utf-8")
