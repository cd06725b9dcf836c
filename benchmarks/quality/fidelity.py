"""Signal fidelity: does a step's signal know whether the search brought a needed document?

    python -m benchmarks.quality.fidelity --policy tiny --output fidelity.json

A policy plays questions of a world that knows which document each hop needs. Every signal, and the
credit that every estimator makes of it, is then compared with that truth, apart for searches that
were due at a bridging hop and at the last one. A search is due at hop k + 1 when the episode has
found the documents of k hops. Three figures each, with bootstrap intervals over questions:

- AUC: a search that found its document against one that did not, over all questions;
- AUC within questions: both of the same question, which is what credit compares;
- Spearman's rank correlation.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.machine import machine
from igs_agent.batch import StepTable
from igs_agent.credit import ESTIMATORS, make_estimator, observation_similarity
from igs_agent.gains import measure_answer_log_probs, measure_gains
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.hindsight import leave_one_out
from igs_agent.policy import Policy, load_policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.run import subset
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import step_table
from igs_agent.trajectory import Trajectory
from igs_agent.transfer import measure_transfers
from igs_env.information_gain import FragmentSampler
from igs_env.task import Task, make_sampler, make_task

GAINS = (
    ("other_questions", 3),
    ("other_questions", 1),
    ("corpus", 3),
    ("hard_negatives", 3),
    ("empty", 1),
)
"""(sampler, N) of the gains that are judged."""
BATCH = 8
"""Questions that are played, and drawn from, together: those of a training update."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """One search: where it was due, whether it found what was needed, and what signals say."""

    question: str
    hops: int
    due: int
    """Hop that was due, from 1."""
    found: bool
    values: dict[str, float]
    """Signal → value; one that could not be measured is missing."""

    @property
    def place(self) -> str:
        return "last hop" if self.due == self.hops else "bridging hop"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policy", default="tiny")
    parser.add_argument("--questions", default="atlas")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--hops", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--limit", type=int, default=200, help="questions")
    parser.add_argument("--group-size", type=int, default=8)
    parser.add_argument("--max-tokens", type=int, default=40)
    parser.add_argument("--max-searches", type=int, default=3)
    parser.add_argument("--top-k", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path)
    args = parser.parse_args()
    task = make_task(
        questions=args.questions,
        split=args.split,
        hops=args.hops,
        protocol="plain",
        top_k=args.top_k,
        max_searches=args.max_searches,
        sampler="none",
    )
    policy = load_policy(args.policy)
    searches, outcomes = play_all(task, policy, args)
    rows = summarise(searches)
    print(f"EM of the rollouts {np.mean(outcomes):.3f}, {len(outcomes)} rollouts\n{table(rows)}")
    if args.output:
        record = {
            "machine": machine(),
            "settings": {**vars(args), "output": str(args.output)},
            "rollout_em": float(np.mean(outcomes)),
            "rows": rows,
            "searches": [asdict(search) for search in searches],
        }
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps(record) + "\n")


def play_all(
    task: Task, policy: Policy, args: argparse.Namespace
) -> tuple[list[Search], list[float]]:
    """All searches of all rollouts, and the rollouts' exact matches."""
    questions = subset(task.questions, args.limit)
    found: list[Search] = []
    outcomes: list[float] = []
    for start in range(0, len(questions), BATCH):
        trajectories = rollout(
            task.rules,
            policy,
            NativeGenerator(policy),
            RolloutPlan(
                questions=questions[start : start + BATCH],
                group_size=args.group_size,
                seed=args.seed + start,
            ),
            Sampling(max_tokens=args.max_tokens),
        )
        outcomes += [trajectory.reward for trajectory in trajectories]
        found += judged(trajectories, signals(task, policy, trajectories))
        print(f"{min(start + BATCH, len(questions))}/{len(questions)} questions", flush=True)
    return found, outcomes


Values = Sequence[Sequence[float | None]]
"""Per rollout and step."""


def signals(task: Task, policy: Policy, trajectories: Sequence[Trajectory]) -> dict[str, Values]:
    """Every signal by name, and every estimator's credit on the query's tokens."""
    scorer = PolicyScorer(policy, trajectories)
    found: dict[str, Values] = {}
    for name, draws in GAINS:
        sampler = _sampler(task, name)
        measured = measure_gains(trajectories, scorer, sampler, draws=draws)
        found[f"gain, {name}, N = {draws}"] = [
            [None if gain is None else gain.value for gain in t.gains] for t in measured
        ]
    sampler = _sampler(task, "other_questions")
    complete = measure_gains(trajectories, scorer, sampler, draws=3)
    complete = measure_answer_log_probs(complete, scorer)
    complete = measure_transfers(complete, scorer, sampler)
    found["gain over its standard error"] = [
        [None if gain is None or not gain.stderr else gain.value / gain.stderr for gain in t.gains]
        for t in complete
    ]
    found["answer's log-probability, next turn − this (IGPO)"] = [
        _differences(t.answer_log_probs) for t in complete
    ]
    found["transfer to the next query"] = [t.transfers for t in complete]
    found["leave-one-out at the end"] = leave_one_out(complete, scorer, sampler)
    for name in ESTIMATORS:
        found[f"credit of {name}"] = _credit(name, complete)
    return found


def _sampler(task: Task, name: str) -> FragmentSampler:
    sampler = make_sampler(name, task.corpus, task.rules)
    assert sampler is not None
    return sampler


def _differences(values: Sequence[float | None]) -> list[float | None]:
    following = [*values[1:], None]
    return [
        None if now is None or then is None else then - now
        for now, then in zip(values, following, strict=True)
    ]


def _credit(name: str, trajectories: Sequence[Trajectory]) -> Values:
    """What a query's tokens get together, times |Q| where the estimator divides by it."""
    estimator = make_estimator(name)
    steps: StepTable = step_table(trajectories, similarity=observation_similarity(estimator))
    credit = estimator(steps)
    total = credit.step + credit.query
    return [
        [float(total[row, step]) for step in range(len(t.turns))]
        for row, t in enumerate(trajectories)
    ]


def judged(trajectories: Sequence[Trajectory], found: Mapping[str, Values]) -> list[Search]:
    """The searches that were due at a hop, with what each signal says of them."""
    truth = step_table(trajectories).signal("found_gold")
    searches = []
    for row, trajectory in enumerate(trajectories):
        question = trajectory.episode.question
        due = 1
        for step in range(len(trajectory.turns)):
            if not truth.valid[row, step] or due > question.hops:
                continue
            brought = bool(truth.values[row, step])
            values = {
                name: value
                for name, rows in found.items()
                if (value := rows[row][step]) is not None
            }
            searches.append(
                Search(
                    question=question.id,
                    hops=question.hops,
                    due=due,
                    found=brought,
                    values=values,
                )
            )
            due += brought
    return searches


def summarise(searches: Sequence[Search]) -> list[dict[str, Any]]:
    """One row per place and signal."""
    rows = []
    for place in ("bridging hop", "last hop"):
        here = [search for search in searches if search.place == place]
        names = list(dict.fromkeys(name for search in here for name in search.values))
        rows += [_row(place, name, here) for name in names]
    return rows


def _row(place: str, name: str, searches: Sequence[Search]) -> dict[str, Any]:
    valued = [search for search in searches if name in search.values]
    by_question: dict[str, list[tuple[bool, float]]] = defaultdict(list)
    for search in valued:
        by_question[search.question].append((search.found, search.values[name]))
    questions = list(by_question.values())
    return {
        "place": place,
        "signal": name,
        "searches": len(valued),
        "found": sum(search.found for search in valued),
        "auc": _with_interval(questions, pooled_auc),
        "auc_within": _with_interval(questions, auc_within),
        "spearman": _with_interval(questions, spearman),
    }


Questions = Sequence[Sequence[tuple[bool, float]]]
"""Per question, its searches: (found, value)."""


def pooled_auc(questions: Questions) -> float:
    """P(value of one that found > of one that did not) + P(equal)/2 (Mann and Whitney 1947)."""
    every = [pair for question in questions for pair in question]
    good = [value for found, value in every if found]
    bad = [value for found, value in every if not found]
    if not good or not bad:
        return float("nan")
    ranks = stats.rankdata([*good, *bad])
    return float((ranks[: len(good)].sum() / len(good) - (len(good) + 1) / 2) / len(bad))


def auc_within(questions: Questions) -> float:
    """The same over pairs of searches of one question."""
    better = pairs = 0.0
    for question in questions:
        good = np.array([value for found, value in question if found])
        bad = np.array([value for found, value in question if not found])
        difference = good[:, None] - bad[None, :]
        better += float((difference > 0).sum() + 0.5 * (difference == 0).sum())
        pairs += difference.size
    return better / pairs if pairs else float("nan")


def spearman(questions: Questions) -> float:
    """Rank correlation of found (0 or 1) and value."""
    every = np.array([pair for question in questions for pair in question], dtype=float)
    if len(every) < 3 or not np.ptp(every[:, 0]) or not np.ptp(every[:, 1]):
        return float("nan")
    return float(stats.spearmanr(every[:, 0], every[:, 1]).statistic)


def _with_interval(
    questions: Questions, figure: Callable[[Questions], float], samples: int = 200
) -> dict[str, float | None]:
    """The figure and its 95 % bootstrap interval over questions."""
    if not questions:
        return {"value": None, "low": None, "high": None}
    random = np.random.default_rng(0)
    draws = [
        figure([questions[int(i)] for i in random.integers(len(questions), size=len(questions))])
        for _ in range(samples)
    ]
    usable = [draw for draw in draws if np.isfinite(draw)] or [float("nan")]
    low, high = np.quantile(usable, [0.025, 0.975])
    values = {"value": figure(questions), "low": float(low), "high": float(high)}
    return {name: round(v, 4) if np.isfinite(v) else None for name, v in values.items()}


def table(rows: Sequence[Mapping[str, Any]]) -> str:
    """Markdown."""
    lines = [
        "| place | signal | searches (found) | AUC | AUC within questions | Spearman |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for row in rows:
        figures = [_shown(row[name]) for name in ("auc", "auc_within", "spearman")]
        lines.append(
            f"| {row['place']} | {row['signal']} | {row['searches']} ({row['found']}) | "
            f"{' | '.join(figures)} |"
        )
    return "\n".join(lines)


def _shown(figure: Mapping[str, float | None]) -> str:
    if figure["value"] is None:
        return "–"
    return f"{figure['value']:.2f} [{figure['low']:.2f}, {figure['high']:.2f}]"


if __name__ == "__main__":
    main()
