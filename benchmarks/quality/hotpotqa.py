"""A real model on real questions: recall, EM and F1, and step signals on HotpotQA's passages.

    python -m benchmarks.quality.hotpotqa --questions FILE --corpus FILE --policy models/smollm2 \
        --output benchmarks/quality/results/hotpotqa_smollm2.json

`FILE`s are yours: questions with supporting documents in FlashRAG's form, and the passages that
HotpotQA gives with them, in the questions' order. Each part is written when it is done, and not
repeated: a run that was stopped goes on with the next one. Ids and figures are kept, no text.

Intervals are 95 % percentile bootstraps over questions. `gain`, `transfer` and
`leave-one-out` are described in `hotpotqa_gain.py`.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine
from benchmarks.quality.hotpotqa_gain import SIGNALS, Hop, measure_hops, signal_table, summary
from benchmarks.quality.retrieval import CUTS, RETRIEVERS, by_question, recalls
from igs_agent.baselines import BaselineGenerator, baseline_rules, questions_of_plan
from igs_agent.checkpoint import policy_source
from igs_agent.cli.trained_with import trained_with
from igs_agent.evaluation import Evaluation, evaluate
from igs_agent.generation import Generator
from igs_agent.generation.native import NativeGenerator
from igs_agent.policy import Policy, load_policy
from igs_agent.rollout import RolloutPlan
from igs_env.task import Task, make_task

SEARCHED = {"bm25": "bm25", "dense": "dense, minilm"}
"""Short name → row of `RETRIEVERS`."""
WAYS = ("closed-book", "rag", "protocol")
KEPT = ("exact_match", "f1", "recall", "searches", "policy_tokens", "valid_actions", "truncated")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--questions", type=Path, required=True)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--policy", required=True, help="folder, run or hub name")
    parser.add_argument("--template", choices=("plain", "chat"))
    parser.add_argument("--protocol", default="search-r1")
    parser.add_argument("--top-k", type=int, default=3)
    parser.add_argument("--max-searches", type=int, default=2)
    parser.add_argument("--max-tokens", type=int, default=48)
    parser.add_argument("--each", type=int, default=2, help="documents of either contrast")
    parser.add_argument("--parts", nargs="*", default=[*parts()], choices=[*parts()])
    parser.add_argument("--limit", type=int, help="only the first questions, to try it out")
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    record = _started(args)
    loaded = Loaded(args)
    for name in args.parts:
        if name in record["parts"]:
            continue
        began, used = time.perf_counter(), time.process_time()
        found = parts()[name](loaded)
        seconds = {"wall": time.perf_counter() - began, "processor": time.process_time() - used}
        record["parts"][name] = {
            "seconds": {key: round(value, 1) for key, value in seconds.items()},
            **found,
        }
        print(f"{name}: {seconds['processor']:.0f} s of processor", flush=True)
        _write(args.output, record)
    print(table(record["parts"]))


class Loaded:
    """Task and policy, each loaded when first asked for."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args = args
        self._policy: Policy | None = None
        self._tasks: dict[str, Task] = {}

    @property
    def policy(self) -> Policy:
        if self._policy is None:
            self._policy = load_policy(policy_source(self.args.policy), template=self.args.template)
        return self._policy

    def task(self, searched: str) -> Task:
        if searched not in self._tasks:
            spec, kwargs = RETRIEVERS[SEARCHED[searched]]
            self._tasks[searched] = make_task(
                questions=self.args.questions,
                corpus=self.args.corpus,
                retriever=spec,
                retriever_kwargs=kwargs,
                protocol=self.args.protocol,
                top_k=self.args.top_k,
                max_searches=self.args.max_searches,
                sampler="none",
            )
        return self._tasks[searched]

    def questions(self, searched: str) -> Sequence[Any]:
        return self.task(searched).questions[: self.args.limit]


def parts() -> dict[str, Callable[[Loaded], dict[str, Any]]]:
    """Name → what measures it, in the order in which they are run."""
    named: dict[str, Callable[[Loaded], dict[str, Any]]] = {
        f"recall, {searched}": partial(recall, searched=searched) for searched in SEARCHED
    }
    named["closed-book"] = partial(play, way="closed-book", searched="bm25")
    for way in WAYS[1:]:
        for searched in SEARCHED:
            named[f"{way}, {searched}"] = partial(play, way=way, searched=searched)
    return {**named, **{signal: partial(hops_of, signal=signal) for signal in SIGNALS}}


def recall(loaded: Loaded, *, searched: str) -> dict[str, Any]:
    """Share of the supporting documents that the question's own text finds."""
    task, questions = loaded.task(searched), loaded.questions(searched)
    hits = by_question(task.rules.retriever, questions)
    # Both of two: what a single search with the question can hope to answer from.
    return {"each": recalls(hits, 0), "all": recalls((hits == 1.0).astype(float), 0)}


def play(loaded: Loaded, *, way: str, searched: str) -> dict[str, Any]:
    """Episodes of the policy, greedy, in one of three ways."""
    task, questions = loaded.task(searched), loaded.questions(searched)
    policy, rules = loaded.policy, task.rules
    generator: Generator = NativeGenerator(policy)
    if way != "protocol":
        rules = baseline_rules(way, rules)
        asked = questions_of_plan(rules, RolloutPlan(questions=questions, group_size=1, seed=0))
        generator = BaselineGenerator(way, policy, generator, asked)
    tokens = loaded.args.max_tokens
    found = evaluate(rules, policy, generator, questions, max_tokens=tokens, max_rows=32)
    return {"figures": figures(found), "rows": rows(found)}


def hops_of(loaded: Loaded, *, signal: str) -> dict[str, Any]:
    """A signal at both hops of every question whose distractors are known."""
    args, task = loaded.args, loaded.task("bm25")
    hops: list[Hop] = []
    measured = measure_hops(
        loaded.policy,
        task.rules,
        task.corpus,
        task.questions,
        signal=signal,
        each=args.each,
        autocast=True,
    )
    for number, found in enumerate(measured, 1):
        hops += found
        if number % 20 == 0:
            print(f"  {signal} of {number} questions", flush=True)
        if number == args.limit:
            break
    return {"figures": summary(hops), "rows": [asdict(hop) for hop in hops]}


def figures(evaluation: Evaluation) -> dict[str, list[float]]:
    """Column → mean, low, high over questions."""
    found = {name: evaluation.interval(name) for name in KEPT}
    return {
        name: [round(value, 4) for value in (each.mean, each.low, each.high)]
        for name, each in found.items()
        if each.n
    }


def rows(evaluation: Evaluation) -> list[dict[str, Any]]:
    """Per question, without any text."""
    kept = ("question_id", "kind", *KEPT)
    return [{name: getattr(row, name) for name in kept} for row in evaluation.rows]


def _started(args: argparse.Namespace) -> dict[str, Any]:
    """The record that is there, or a new one; settings must agree."""
    settings = {
        **{k: v for k, v in vars(args).items() if k not in ("output", "parts")},
        # Names, not places: where files lie is nobody's business.
        **{k: Path(vars(args)[k]).name for k in ("questions", "corpus", "policy")},
    }
    if args.output and args.output.is_file():
        record: dict[str, Any] = json.loads(args.output.read_text(encoding="utf-8"))
        if record["settings"] != settings:
            raise SystemExit(f"{args.output} was measured with {record['settings']}; move it away")
        return record
    known = trained_with(args.policy)
    trained = {"env": dict(known.env)} if known.env else {}
    return {"settings": settings, **trained, "seed": 0, "machine": machine(), "parts": {}}


def _write(output: Path | None, record: Mapping[str, Any]) -> None:
    if output:
        output.parent.mkdir(parents=True, exist_ok=True)
        part = output.with_suffix(".part")
        part.write_text(json.dumps(record) + "\n", encoding="utf-8")
        part.replace(output)


def table(found: Mapping[str, Any]) -> str:
    """Everything that is there, in Markdown."""
    played = [name for name in found if name.split(",")[0] in WAYS]
    lines = ["| | EM % | F1 % | recall % | searches | valid % | truncated % |", "|---" * 7 + "|"]
    for name in played:
        row = found[name]["figures"]
        shares = [_percent(row.get(key)) for key in ("exact_match", "f1", "recall")]
        habits = [f"{row['searches'][0]:.2f}"]
        habits += [f"{100 * row[key][0]:.0f}" for key in ("valid_actions", "truncated")]
        lines.append(f"| {name} | {' | '.join([*shares, *habits])} |")
    searched = [name for name in found if name.startswith("recall")]
    lines += ["", f"| | {' | '.join(f'each @{k} | all @{k}' for k in CUTS)} |"]
    lines.append("|---" * (1 + 2 * len(CUTS)) + "|")
    for name in searched:
        cells = [_percent(found[name][what][f"@{k}"]) for k in CUTS for what in ("each", "all")]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    for signal in SIGNALS:
        if signal in found:
            lines += ["", signal_table(signal, found[signal]["figures"])]
    return "\n".join(lines)


def _percent(values: Sequence[float] | None) -> str:
    if values is None:
        return "—"
    mean, low, high = (100 * np.asarray(values)).tolist()
    return f"{mean:.0f} [{low:.0f}, {high:.0f}]"


if __name__ == "__main__":
    main()
