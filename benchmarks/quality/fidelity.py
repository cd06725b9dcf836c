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
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import cast

import numpy as np
import torch

from benchmarks.machine import machine
from benchmarks.quality.fidelity_figures import Search, summarise, table
from benchmarks.quality.tfidf_gain import TfidfGain
from igs_agent.batch import StepTable
from igs_agent.checkpoint import policy_source
from igs_agent.credit import ESTIMATORS, make_estimator, observation_similarity
from igs_agent.credit.ig_search import IGSearch
from igs_agent.document_value import belief_gain, document_values
from igs_agent.gains import measure_answer_log_probs, measure_gains
from igs_agent.generation import Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.hindsight import leave_one_out
from igs_agent.policy import Policy, load_policy
from igs_agent.relay import measure_relays
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.run import subset
from igs_agent.scorer import PolicyScorer
from igs_agent.signals import step_table
from igs_agent.trajectory import Trajectory
from igs_agent.transfer import measure_transfers
from igs_env.datasets import Corpus
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--policy", default="tiny", help="name, folder or run")
    parser.add_argument("--questions", default="atlas")
    parser.add_argument("--split", default="dev")
    parser.add_argument("--hops", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--limit", type=int, default=200, help="questions")
    parser.add_argument("--group-size", type=int, default=8)
    parser.add_argument("--max-tokens", type=int, default=40)
    parser.add_argument("--max-searches", type=int, default=3)
    parser.add_argument("--top-k", type=int, default=1)
    parser.add_argument(
        "--temperature", type=float, default=1.0, help="at which rollouts are sampled"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--output", type=Path, help="figures")
    parser.add_argument("--searches", type=Path, help="every search with its signals, for study")
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
    policy = load_policy(policy_source(args.policy))
    searches, outcomes = play_all(task, policy, args)
    rows = summarise(searches)
    print(f"EM of the rollouts {np.mean(outcomes):.3f}, {len(outcomes)} rollouts\n{table(rows)}")
    if args.output:
        record = {
            "machine": machine(),
            "settings": {
                name: value
                for name, value in vars(args).items()
                if name not in ("output", "searches")
            },
            "rollouts": len(outcomes),
            "rollout_em": float(np.mean(outcomes)),
            "rows": rows,
        }
        args.output.parent.mkdir(parents=True, exist_ok=True)
        args.output.write_text(json.dumps(record, indent=1) + "\n")
    if args.searches:
        args.searches.write_text(json.dumps([asdict(search) for search in searches]) + "\n")


def play_all(
    task: Task, policy: Policy, args: argparse.Namespace
) -> tuple[list[Search], list[float]]:
    """All searches of all rollouts, and the rollouts' exact matches."""
    questions = subset(task.questions, args.limit)
    tfidf = TfidfGain(cast(Corpus, task.corpus))  # a named corpus, not a list of documents
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
            Sampling(max_tokens=args.max_tokens, temperature=args.temperature),
        )
        outcomes += [trajectory.reward for trajectory in trajectories]
        found += judged(trajectories, signals(task, policy, trajectories, tfidf))
        print(f"{min(start + BATCH, len(questions))}/{len(questions)} questions", flush=True)
    return found, outcomes


Values = Sequence[Sequence[float | None]]
"""Per rollout and step."""


def signals(
    task: Task, policy: Policy, trajectories: Sequence[Trajectory], tfidf: TfidfGain
) -> dict[str, Values]:
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
    before = scorer.forward_tokens
    complete = measure_relays(complete, scorer, sampler)
    print(f"relay: {scorer.forward_tokens - before} tokens of {before} before it")
    found["relay to siblings' queries"] = [t.relays for t in complete]
    found["gain if above twice its standard error"] = [
        [None if g is None else g.value * (abs(g.value) > 2 * g.stderr) for g in t.gains]
        for t in complete
    ]
    found["gain over its standard error"] = [
        [None if gain is None or not gain.stderr else gain.value / gain.stderr for gain in t.gains]
        for t in complete
    ]
    found["answer's log-probability, next turn − this (IGPO)"] = [
        _differences(t.answer_log_probs) for t in complete
    ]
    found["transfer to the next query"] = [t.transfers for t in complete]
    for name, share in (("document value", 0.5), ("document value, outcome only", 0.0)):
        found[name] = document_values(complete, gain_share=share)
    found["document value, by belief"] = document_values(complete, gain_share=0.5, gain=belief_gain)
    found["TF-IDF gain towards the gold documents (StepSearch)"] = tfidf(complete)
    stabilised = IGSearch().stabilised
    found["gain, stabilised as in IG-Search"] = [
        [None if g is None else float(stabilised(torch.tensor(g.value))) for g in t.gains]
        for t in complete
    ]
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


if __name__ == "__main__":
    main()
