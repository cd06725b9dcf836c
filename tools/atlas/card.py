"""Writes `docs/atlas.md` from the committed data: `python -m tools.atlas.card`."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path

from igs_env.datasets.atlas import SPLITS, corpus, questions
from igs_env.types import Question
from tools.atlas.recall import recall
from tools.atlas.tables import table

ROOT = Path(__file__).parents[2]
FILE = ROOT / "docs" / "atlas.md"
CLOSED_BOOK = ROOT / "benchmarks" / "quality" / "results" / "closed_book.json"
KINDS = ("film", "person", "country", "laureate", "prize", "element")
INTRODUCTION = """\
# The world `atlas`

Real facts as {documents:,} short passages and {questions:,} questions with checkable answers, in
the package and without a download. `python -m tools.atlas.card` wrote this page from the committed
data; `tools/atlas` made the data from public sources.

```python
from igs_env.datasets.atlas import corpus, questions

assert len(corpus()) == {documents}
assert len(questions(split="dev")) == {dev}
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
        _guessed(),
        _closed_book(),
        recall(),
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
    return "## Passages\n\n" + table(header, rows)


def _questions() -> str:
    counts = {s: Counter((q.kind, q.hops) for q in questions(split=s)) for s in SPLITS}
    rows = [
        (kind, hops, *(counts[split][kind, hops] for split in SPLITS))
        for kind, hops in sorted(counts["train"])
    ]
    total = ("all", "", *(len(questions(split=split)) for split in SPLITS))
    return "## Questions\n\n" + table(("kind", "hops", *SPLITS), [*rows, total])


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
    return "## Answers\n\n" + table(header, rows)


def _guessed() -> str:
    """What can be had without reading: the most frequent training answer of each path."""
    known: dict[str, Counter[str]] = defaultdict(Counter)
    for question in questions(split="train"):
        known[path_of(question)][question.answers[0]] += 1
    dev = [question for question in questions(split="dev") if question.kind != "comparison"]
    right = sum(
        bool(found := known[path_of(q)]) and found.most_common(1)[0][0] in q.answers for q in dev
    )
    half = (len(questions(split="dev")) - len(dev)) / 2
    return (
        "Answering dev with the most frequent train answer of each relation path is right "
        f"{right} times; with comparisons by the toss of a coin, {half:.0f} more, exact match "
        f"without reading is {(right + half) / len(questions(split='dev')):.3f}.\n"
    )


def _closed_book() -> str:
    """What a policy answers that was trained on the questions and never retrieves."""
    bar = (
        "## Without retrieval\n\nThe bar: a policy that was trained without retrieval answers at "
        "most .15 of dev exactly (`python -m benchmarks.quality.closed_book`).\n"
    )
    if not CLOSED_BOOK.exists():
        return bar + "Not measured yet.\n"
    found = json.loads(CLOSED_BOOK.read_text("utf-8"))
    rows = [(kind, n, f"{score:.3f}") for kind, (score, n) in found["dev_by_kind"].items()]
    return (
        f"{bar}A policy of {found['parameters']:,} parameters, with the shape and tokenizer of "
        f"`tiny`, that read all train questions with their answers {found['epochs']} times and "
        f"every passage {found['readings']} times answers {found['dev_exact_match']} of dev, and "
        f"{found['train_exact_match']} of the first 1,000 train questions (95 % bootstrap "
        f"intervals, seed {found['seed']}). After no epoch was it more than "
        f"{found['highest_dev_exact_match']:.3f} of dev; epoch by epoch: "
        f"{', '.join(f'{value:.3f}' for value in found['dev_exact_match_after_epoch'])}.\n\n"
        + table(("kind", "questions", "exact match"), rows)
    )


def _paths() -> str:
    counts = {s: Counter(map(path_of, questions(split=s))) for s in SPLITS}
    paths = sorted(counts["train"], key=lambda path: (-counts["train"][path], path))
    rows = [(f"`{path}`", *(counts[split][path] for split in SPLITS)) for path in paths]
    note = "One step per hop; a step with a stroke is read in one passage.\n\n"
    return "## Relation paths\n\n" + note + table(("path", *SPLITS), rows)


def _files() -> str:
    folder = files("igs_env").joinpath("data", "atlas")
    parts = sorted((p.name, len(p.read_bytes())) for p in folder.iterdir() if p.is_file())
    rows = [(f"`{name}`", f"{size:,}") for name, size in parts]
    total = ("all", f"{sum(size for _, size in parts):,}")
    note = "Columns as JSON, compressed with LZMA; the standard library reads them.\n\n"
    licences = files("igs_env").joinpath("data", "atlas", "LICENSES.md").read_text("utf-8")
    told = re.sub(r"^# .*", "## Sources and licences", licences.partition("\n## ")[0])
    return "## Files\n\n" + note + table(("file", "bytes"), [*rows, total]) + "\n" + told


def path_of(question: Question) -> str:
    """A question's relations in one line."""
    return " → ".join(question.metadata["relations"])


def kind_of(document: str) -> str:
    """A passage's kind, which its id begins with."""
    return document.partition("-")[0]


def _quantile(numbers: Sequence[int], share: float) -> int:
    return sorted(numbers)[round(share * (len(numbers) - 1))]


if __name__ == "__main__":
    FILE.write_text(card(), encoding="utf-8")
