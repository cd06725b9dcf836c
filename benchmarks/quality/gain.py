"""Does the gain tell a needed search from a useless one?

For every hop of every question the gold query of that hop is compared with the query of the same
form about a wrong entity, the earlier hops being gold in both. AUC is the probability that the
gold query's gain is the larger one (ties count half), with a bootstrap interval over questions.

    python -m benchmarks.quality.gain --output benchmarks/quality/results/gain_statistical.json
    python -m benchmarks.quality.gain --scorer igs_agent.scorer:causal_lm \
        --scorer-kwargs '{"path": "runs/smollm2", "template": "plain", "dtype": "bfloat16"}' \
        --protocol plain --kinds bridge --last-hop-only --answer-only-in-gold --limit 230 \
        --output benchmarks/quality/results/gain_smollm2.json

`igs convert smollm2 runs/smollm2` makes that folder. A pair is two measured steps; the seed is 0.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.machine import machine
from igs_env.answers import normalise_answer
from igs_env.task import Task, make_task
from igs_env.transition import advance, begin
from igs_env.types import Episode, Question


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """One hop: the gold query's gain and the wrong one's."""

    question_id: str
    kind: str
    hops: int
    hop: int
    """From 1; `hop == hops` is the last."""
    found: bool
    """The gold query brought the hop's gold document."""
    answer_only_in_gold: bool
    """No document but the last hop's gold ones holds the answer."""
    gold: float
    wrong: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", default="atlas")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--limit", type=int, default=0)
    parser.add_argument("--protocol", default="search-r1")
    parser.add_argument("--top-k", type=int, default=3)
    parser.add_argument("--sampler", default="corpus")
    parser.add_argument("--scorer", default="statistical")
    parser.add_argument("--scorer-kwargs", type=json.loads, default={})
    parser.add_argument("--kinds", nargs="*", help="only questions of these kinds")
    parser.add_argument("--last-hop-only", action="store_true")
    parser.add_argument(
        "--answer-only-in-gold", action="store_true", help="leave other questions out"
    )
    parser.add_argument("--output", type=Path, help="written as it goes, every 25 questions")
    args = parser.parse_args()
    task = make_task(
        questions=args.questions,
        split=args.split,
        protocol=args.protocol,
        top_k=args.top_k,
        sampler=args.sampler,
        scorer=args.scorer,
        scorer_kwargs=args.scorer_kwargs,
    )
    questions = chosen(task, args.kinds, args.limit, args.answer_only_in_gold)
    began = time.perf_counter()
    pairs: list[Pair] = []
    for number, pair in measure(task, questions, last_only=args.last_hop_only):
        pairs.append(pair)
        if args.output and number % 25 == 24:
            write(args, number + 1, pairs, time.perf_counter() - began)
    if args.output:
        write(args, len(questions), pairs, time.perf_counter() - began)
    print(table(summarise(pairs)))


def write(args: argparse.Namespace, done: int, pairs: Sequence[Pair], seconds: float) -> None:
    result = {
        "command": {name: value for name, value in vars(args).items() if name != "output"},
        "machine": machine(),
        "questions": done,
        "seconds": round(seconds, 1),
        "rows": summarise(pairs),
        "pairs": [asdict(pair) for pair in pairs],
    }
    args.output.parent.mkdir(parents=True, exist_ok=True)
    args.output.write_text(json.dumps(result, default=str) + "\n")
    print(f"{done} questions in {seconds:.0f} s", flush=True)


def chosen(task: Task, kinds: Sequence[str] | None, limit: int, alone: bool) -> list[Question]:
    """Questions with gold queries, in a fixed random order."""
    order = np.random.default_rng(0).permutation(len(task.questions))
    found = [task.questions[int(i)] for i in order]
    found = [q for q in found if q.metadata.get("queries") and (not kinds or q.kind in kinds)]
    if alone:
        kept = zip(found, answers_only_in_gold(task, found), strict=True)
        found = [question for question, only in kept if only]
    return found[:limit] if limit else found


def measure(
    task: Task, questions: Sequence[Question], *, last_only: bool
) -> Iterator[tuple[int, Pair]]:
    """(number of the question, one hop's pair), question by question."""
    lookalikes: dict[tuple[str, ...], list[Question]] = defaultdict(list)
    for question in task.questions:
        if question.metadata.get("queries"):
            lookalikes[tuple(question.metadata["relations"])].append(question)
    alone = answers_only_in_gold(task, questions)
    random = np.random.default_rng(0)
    for number, question in enumerate(questions):
        same = lookalikes[tuple(question.metadata["relations"])]
        others = [q for q in same if set(q.answers).isdisjoint(question.answers)]
        if not others:
            continue
        other = others[int(random.integers(len(others)))]
        queries = question.metadata["queries"]
        for hop in range(len(queries) - 1 if last_only else 0, len(queries)):
            pair = compare(task, question, other, hop, alone[number])
            if pair is not None:
                yield number, pair


def compare(task: Task, question: Question, other: Question, hop: int, alone: bool) -> Pair | None:
    queries, wrong = question.metadata["queries"], other.metadata["queries"][hop]
    if wrong == queries[hop]:
        return None
    episode = begin(task.rules, question, group_id=question.id, seed=0)
    for query in queries[:hop]:
        (episode,) = advance(task.rules, [episode], [search(query)])
    ends = advance(task.rules, [episode] * 2, [search(queries[hop]), search(wrong)])
    gains = task.gains(ends, batch=[])
    if gains[0] is None or gains[1] is None:
        return None
    return Pair(
        question_id=question.id,
        kind=question.kind,
        hops=len(queries),
        hop=hop + 1,
        found=holds_gold(ends[0], question, hop),
        answer_only_in_gold=alone,
        gold=gains[0].value,
        wrong=gains[1].value,
    )


def search(query: str) -> str:
    return f"<search> {query} </search>"


def holds_gold(episode: Episode, question: Question, hop: int) -> bool:
    found = {document.id for document in episode.steps[-1].documents}
    return hop < len(question.gold_documents) and not found.isdisjoint(question.gold_documents[hop])


def answers_only_in_gold(task: Task, questions: Sequence[Question]) -> list[bool]:
    """Per question: whether its first answer stands in no document but the last hop's gold."""
    texts = [
        (
            task.corpus[i].id,
            f" {normalise_answer(task.corpus[i].title + ' ' + task.corpus[i].text)} ",
        )
        for i in range(len(task.corpus))
    ]
    alone = []
    for question in questions:
        answer = f" {normalise_answer(question.answers[0])} "
        gold = set(question.gold_documents[-1]) if question.gold_documents else set()
        alone.append(bool(gold) and {id for id, text in texts if answer in text} <= gold)
    return alone


def auc(gold: np.ndarray, wrong: np.ndarray) -> float:
    """P(gold > wrong) + P(gold = wrong)/2 over all pairs (Mann and Whitney 1947)."""
    difference = gold[:, None] - wrong[None, :]
    return float((difference > 0).mean() + 0.5 * (difference == 0).mean())


def summarise(pairs: Sequence[Pair]) -> list[dict[str, object]]:
    groups: dict[str, list[Pair]] = defaultdict(list)
    for pair in pairs:
        last = pair.hop == pair.hops
        if pair.kind == "bridge" and last and pair.answer_only_in_gold:
            groups["bar: bridge, last hop, answer only in its gold document"].append(pair)
        place = "last hop" if last else f"hop {pair.hop} of {pair.hops}"
        groups[f"{pair.kind}, {pair.hops} hops, {place}"].append(pair)
    return [summary(name, groups[name]) for name in sorted(groups)]


def summary(name: str, pairs: Sequence[Pair]) -> dict[str, object]:
    gold, wrong = (np.array([getattr(p, side) for p in pairs]) for side in ("gold", "wrong"))
    random = np.random.default_rng(0)
    draws = [random.integers(len(pairs), size=len(pairs)) for _ in range(300)]
    low, high = np.quantile([auc(gold[d], wrong[d]) for d in draws], [0.025, 0.975])
    return {
        "group": name,
        "n": len(pairs),
        "auc": round(auc(gold, wrong), 3),
        "low": round(float(low), 3),
        "high": round(float(high), 3),
        "gain_gold": round(float(gold.mean()), 3),
        "gain_wrong": round(float(wrong.mean()), 3),
        "found": round(float(np.mean([p.found for p in pairs])), 3),
    }


def table(rows: Sequence[dict[str, object]]) -> str:
    lines = [
        "| steps | n | AUC, 95 % interval | gain of gold query | of wrong query | gold found |",
        "|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {r['group']} | {r['n']} | {r['auc']} [{r['low']}, {r['high']}] | {r['gain_gold']} | "
        f"{r['gain_wrong']} | {r['found']} |"
        for r in rows
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
