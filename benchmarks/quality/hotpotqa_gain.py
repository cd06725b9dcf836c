"""What signals say of HotpotQA's supporting passages, against random ones and their distractors.

A script searches for the title of each supporting passage and finds exactly that passage, so that
what a hop is compared on is the document alone: its supporting passage, passages drawn from the
whole corpus, and passages that came with the same question because they look like it. Three signals
are measured so: the gain, the transfer to the next query (the next passage's title), and the
answer's log-probability at the end of the episode with one hop's passage exchanged (leave-one-out).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from igs_agent.contrast import Contrast, Target, measure_contrasts
from igs_agent.generation import Completion, Request, Sampling
from igs_agent.hindsight import answer_at_the_end, read_searches
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, rollout
from igs_agent.scorer import PolicyScorer
from igs_agent.statistics import Interval, bootstrap_interval
from igs_agent.trajectory import Trajectory
from igs_agent.transfer import followed, next_query
from igs_env.answers import normalise_answer
from igs_env.information_gain import GainRequest, measure_information_gain
from igs_env.prompt import clean_documents
from igs_env.transition import Rules, retrieval_query
from igs_env.types import Document, Documents, Episode, Fragment, Question

BLOCK = 10
"""Passages that HotpotQA gives with a question: its supporting ones and their distractors."""
CONTRASTS = ("random", "distractors")


@dataclass(frozen=True, slots=True, kw_only=True)
class Hop:
    """log π(target|…)/|target| in nats per token behind each of the documents of one hop."""

    question_id: str
    kind: str
    hop: str
    """`first` or `last`."""
    gold: float
    random: tuple[float, ...]
    distractors: tuple[float, ...]

    def gain(self, contrast: str) -> float:
        """With the answer as target eq. 3 of arXiv 2604.15148, the contrast's documents as
        counterfactuals."""
        return self.gold - float(np.mean(getattr(self, contrast)))

    def above(self, contrast: str) -> float:
        """Share of the contrast's documents that the gold one beats; ties count half. Its mean
        over hops is the AUC within questions."""
        others = np.array(getattr(self, contrast))
        return float(np.mean(self.gold > others) + 0.5 * np.mean(self.gold == others))


class TitleRetriever:
    """The document whose title is the query, and no other."""

    def __init__(self, documents: Iterable[Document]) -> None:
        self._found = {retrieval_query(document.title): document for document in documents}

    def search(self, queries: Sequence[str], top_k: int) -> list[tuple[Document, ...]]:
        return [(self._found[query],) for query in queries]


class TitleScript:
    """Writes a search for each hop's title in turn, then an answer."""

    def __init__(self, policy: Policy, titles: Sequence[str]) -> None:
        self._policy, self._titles = policy, titles

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Completion]:
        return [self._write(request.turn) for request in requests]

    def release(self, keys: Iterable[str]) -> None:
        """Nothing is kept."""

    def _write(self, turn: int) -> Completion:
        over = turn == len(self._titles)
        text = "<answer> x </answer>" if over else f"<search> {self._titles[turn]} </search>"
        ids = self._policy.encode(text)
        return Completion(token_ids=ids, log_probs=[0.0] * len(ids), finish="action")


class BlockSampler:
    """Random documents of the corpus, then the question's own distractors, half of each."""

    name = "random, then distractors"

    def __init__(
        self, rules: Rules, others: Sequence[Document], block: Sequence[Document], seed: int
    ) -> None:
        self._limit, self._pools, self._seed = rules.max_document_length, (others, block), seed

    def sample(
        self,
        episode: Episode,
        step: int,
        *,
        draws: int,
        batch: Sequence[Episode] = (),
        with_refine: bool = False,
    ) -> tuple[Fragment, ...]:
        random = np.random.default_rng([self._seed, step])
        drawn: list[Document] = []
        for pool in self._pools:
            drawn += [pool[int(i)] for i in random.permutation(len(pool))[: draws // 2]]
        return tuple(Fragment(documents=clean_documents([d], limit=self._limit)) for d in drawn)


def measure_hops(
    policy: Policy,
    rules: Rules,
    corpus: Documents,
    questions: Sequence[Question],
    *,
    signal: str = "gain",
    each: int,
    autocast: bool,
) -> Iterator[list[Hop]]:
    """Both hops of one question after another, with `each` documents of either contrast.

    Questions whose ten passages do not stand in the corpus where the order of the file says are
    left out: their distractors are not known.
    """
    for number, question in enumerate(questions):
        block = block_of(corpus, questions, number)
        if block is not None:
            yield _hops(policy, rules, corpus, question, number, block, signal, each, autocast)


def _hops(
    policy: Policy,
    rules: Rules,
    corpus: Documents,
    question: Question,
    number: int,
    block: Sequence[Document],
    signal: str,
    each: int,
    autocast: bool,
) -> list[Hop]:
    gold_ids = {id for hop in question.gold_documents for id in hop}
    gold = in_order(question, [document for document in block if document.id in gold_ids])
    inside = {document.id for document in block}
    own = replace(rules, retriever=TitleRetriever(gold), max_searches=len(gold), top_k=1)
    plan = RolloutPlan(questions=[question], group_size=1, seed=number)
    script = TitleScript(policy, [document.title for document in gold])
    played = rollout(own, policy, script, plan, Sampling(max_tokens=64))
    sampler = BlockSampler(
        own,
        [corpus[i] for i in range(len(corpus)) if corpus[i].id not in inside],
        [document for document in block if document.id not in gold_ids],
        number,
    )
    scorer = PolicyScorer(policy, played, autocast=autocast)
    measured = SIGNALS[signal](played[0], scorer, sampler, 2 * each)
    return [
        Hop(
            question_id=question.id,
            kind=question.kind,
            hop="last" if step == len(gold) - 1 else "first",
            gold=contrast.real,
            random=contrast.others[:each],
            distractors=contrast.others[each:],
        )
        for step, contrast in enumerate(measured)
        if contrast is not None
    ]


def _gain(
    played: Trajectory, scorer: PolicyScorer, sampler: BlockSampler, draws: int
) -> list[Contrast | None]:
    """As the environment and the trainer measure it."""
    requests = [GainRequest(episode=played.episode, step=step) for step in read_searches(played)]
    measured = measure_information_gain(requests, scorer, sampler, draws=draws)
    return [
        None
        if gain is None
        else Contrast(real=gain.log_prob_real, others=tuple(gain.log_probs_counterfactual))
        for gain in measured
    ]


def _contrast(steps: Callable[[Trajectory], Sequence[int]], target: Target) -> Measure:
    def measure(
        played: Trajectory, scorer: PolicyScorer, sampler: BlockSampler, draws: int
    ) -> list[Contrast | None]:
        (row,) = measure_contrasts(
            [played], scorer, sampler, steps=steps, target=target, draws=draws
        )
        return list(row)

    return measure


Measure = Callable[[Trajectory, PolicyScorer, BlockSampler, int], list[Contrast | None]]
SIGNALS: Mapping[str, Measure] = {
    "gain": _gain,
    "transfer": _contrast(followed, next_query),
    "leave-one-out": _contrast(read_searches, answer_at_the_end),
}
"""Name → a contrast per step of an episode."""


def block_of(
    corpus: Documents, questions: Sequence[Question], number: int
) -> tuple[Document, ...] | None:
    """The passages that came with a question; None where the file's order does not tell.

    The file lists the passages of one question after the other, ten each, without repetitions.
    Where a repetition or a shorter list has shifted the order, supporting passages leave their
    block, or the next question's leave theirs.
    """
    for place in (number, number + 1):
        if place < len(questions) and not _holds_gold(corpus, questions[place], place):
            return None
    if len(corpus) < BLOCK * (number + 1):
        return None
    return _block(corpus, number)


def _block(corpus: Documents, number: int) -> tuple[Document, ...]:
    last = min(len(corpus), BLOCK * (number + 1))
    return tuple(corpus[i] for i in range(BLOCK * number, last))


def _holds_gold(corpus: Documents, question: Question, number: int) -> bool:
    inside = {document.id for document in _block(corpus, number)}
    return all(not inside.isdisjoint(hop) for hop in question.gold_documents)


def in_order(question: Question, gold: Sequence[Document]) -> list[Document]:
    """Supporting passages as a searcher needs them: the one that holds the answer is the last.

    HotpotQA lists them in no order. Where none or several hold the answer, as the file has them.
    """
    answer = f" {normalise_answer(question.answers[0])} "
    places = {id: place for place, hop in enumerate(question.gold_documents) for id in hop}
    listed = sorted(gold, key=lambda document: places[document.id])
    holding = [d for d in listed if answer in f" {normalise_answer(f'{d.title} {d.text}')} "]
    if question.kind != "bridge" or len(holding) != 1:
        return listed
    return [document for document in listed if document is not holding[0]] + holding


def summary(hops: Sequence[Hop]) -> dict[str, dict[str, dict[str, Any]]]:
    """Kind and hop → contrast → mean gain and AUC within questions, intervals over questions."""
    groups: dict[str, list[Hop]] = {}
    for hop in hops:
        groups.setdefault(f"{hop.kind}, {hop.hop} hop", []).append(hop)
    return {
        name: {contrast: _figures(groups[name], contrast) for contrast in CONTRASTS}
        for name in sorted(groups)
    }


def _figures(hops: Sequence[Hop], contrast: str) -> dict[str, Any]:
    gains = bootstrap_interval([hop.gain(contrast) for hop in hops])
    above = bootstrap_interval([hop.above(contrast) for hop in hops])
    return {"n": len(hops), "gain": _triple(gains), "auc": _triple(above)}


def _triple(interval: Interval) -> list[float]:
    return [round(value, 4) for value in (interval.mean, interval.low, interval.high)]


def signal_table(signal: str, figures: dict[str, dict[str, dict[str, Any]]]) -> str:
    """Markdown: a line per kind, hop and contrast."""
    lines = [f"| hop | n | against | {signal}, nats per token | AUC |", "|---|---|---|---|---|"]
    for name, contrasts in figures.items():
        for contrast, row in contrasts.items():
            gain, auc = _cell(row["gain"]), _cell(row["auc"])
            lines.append(f"| {name} | {row['n']} | {contrast} | {gain} | {auc} |")
    return "\n".join(lines)


def _cell(values: Sequence[float]) -> str:
    mean, low, high = values
    return f"{mean:.2f} [{low:.2f}, {high:.2f}]"
