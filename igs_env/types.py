"""The nouns of the environment: what a question, a document, an action, a step and a gain are.

Every other module of `igs_env` speaks in these frozen values. They are changed by
`dataclasses.replace`, never in place, so that an episode can be kept, compared and replayed.
"""

from __future__ import annotations

import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypedDict

from igs_env.protocols import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One retrieved or retrievable text."""

    id: str
    """Unique within its corpus."""
    title: str
    """Title without markup; may be empty."""
    text: str
    """Body text, without the title."""
    score: float = 0.0
    """Retriever's score, higher is better; 0.0 where the document was not retrieved by a query."""


class Documents(typing.Protocol):
    """Documents by position: a tuple, a list or a memory-mapped corpus."""

    def __len__(self) -> int:
        """Number of documents."""
        ...

    def __getitem__(self, index: int, /) -> Document:
        """The document at a position."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One question with every answer that counts as correct."""

    id: str
    """Unique within its dataset; counterfactual documents never come from the same id."""
    text: str
    answers: tuple[str, ...]
    """Gold answer first, then its aliases; never empty."""
    gold_documents: tuple[tuple[str, ...], ...] = ()
    """Per hop, in the order in which a searcher needs them, the ids of the documents that
    support it (any one of a hop's ids is enough); empty where the dataset does not say."""
    hops: int = 0
    """Number of documents needed one after the other; 0 where unknown."""
    kind: str = ""
    """`bridge`, `comparison`, `yes_no`, … as the dataset names it; may be empty."""
    split: str = ""
    """`train`, `dev` or `test`; empty where unknown."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """Whatever else the dataset holds (relation path, gold queries per hop, …), JSON types only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """A query, and where it stands in the model's output."""

    query: str
    """Inner content of the tag, stripped of surrounding whitespace; never empty."""
    span: tuple[int, int]
    """Character offsets `[start, end)` of `query` in the output."""
    end: int
    """Offset just behind the closing tag; what follows is discarded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """A final answer, and where it stands in the model's output."""

    text: str
    """Inner content of the tag, stripped of surrounding whitespace; never empty."""
    span: tuple[int, int]
    """Character offsets `[start, end)` of `text` in the output."""
    end: int
    """Offset just behind the closing tag; what follows is discarded."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Invalid:
    """An output without a usable action."""

    reason: str
    """One of `igs_env.actions.INVALID_REASONS`."""
    end: int
    """Length of the output that is kept: all of it, or up to an unusable action's closing tag."""


Action = Search | Answer | Invalid


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One `env.step`: the model's output, how it was read, and what came back."""

    output: str
    """The model's text up to and including its action; what followed the action is dropped."""
    action: Action
    observation: str
    """New text that the policy sees next; empty when the episode is over."""
    documents: tuple[Document, ...] = ()
    """Documents exactly as shown in `observation` (neutralised and truncated)."""
    searched: bool = False
    """A search was carried out. False for a search beyond the limit or one that failed."""
    retrieval_failed: bool = False
    """The retriever raised `RetrievalError`: the step says nothing about the policy and
    trainers mask it from the loss."""
    discarded: int = 0
    """Characters of the model's output that followed its action and were dropped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Episode:
    """A question and the steps taken on it so far."""

    id: str
    """Unique among the episodes that are alive together."""
    question: Question
    protocol: Protocol
    """How the episode is written."""
    group_id: str
    """Rollouts of one question that are compared with each other share it."""
    member: int = 0
    """Index within the group."""
    seed: int
    """Keys the counterfactual draws; equal within a group."""
    prompt: str
    """First observation, verbatim."""
    steps: tuple[Step, ...] = ()
    terminated: bool = False
    """An answer was given."""
    truncated: bool = False
    """Out of steps, or a retrieval failed."""

    @property
    def searches(self) -> int:
        """Number of searches carried out."""
        return sum([step.searched for step in self.steps])

    @property
    def transcript(self) -> str:
        """`prompt + Σ (output + observation)`, byte for byte what the policy saw and wrote."""
        return self.prompt + "".join(step.output + step.observation for step in self.steps)

    @property
    def done(self) -> bool:
        """No further step is possible."""
        return self.terminated or self.truncated

    def after(self, step: Step, *, terminated: bool, truncated: bool) -> Episode:
        """The episode with one more step: `replace`, written out since every step pays for it."""
        return Episode(
            id=self.id,
            question=self.question,
            protocol=self.protocol,
            group_id=self.group_id,
            member=self.member,
            seed=self.seed,
            prompt=self.prompt,
            steps=(*self.steps, step),
            terminated=terminated,
            truncated=truncated,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Fragment:
    """What a search brought into a context: the unit that a counterfactual replaces."""

    documents: tuple[Document, ...]
    refine: str | None = None
    """The policy's text from the documents through `</refine>`; None without a refine block."""
    origin: tuple[str, int] | None = None
    """(episode id, step index) that the fragment was taken from; None for a corpus draw."""


@dataclass(frozen=True, slots=True, kw_only=True)
class InformationGain:
    """Counterfactual information gain of one search, in nats per answer token.

    A pointwise log-likelihood ratio, not Shannon's information gain (IG-Search, eq. 2 and 3,
    arXiv 2604.15148).
    """

    value: float
    """`log_prob_real − mean(log_probs_counterfactual)`."""
    log_prob_real: float
    """Mean log-probability of the gold answer's tokens given the real documents."""
    log_probs_counterfactual: tuple[float, ...]
    """The same, one value per counterfactual draw."""
    stderr: float
    """Standard error of the counterfactual mean over draws (unbiased); 0.0 for a single draw,
    where it is not defined."""
    counterfactual_ids: tuple[tuple[str, ...], ...]
    """Document ids of each draw."""
    source: str
    """Sampler's name: `corpus`, `other_questions`, …"""
    scorer: str
    """Scorer's name: `statistical`, `causal_lm`, `policy`, …"""
    answer_in_counterfactual: bool
    """The gold answer occurs in at least one drawn document, which biases the gain downwards."""

    @property
    def draws(self) -> int:
        """Number of counterfactual draws, N."""
        return len(self.log_probs_counterfactual)

    @property
    def log_prob_counterfactual(self) -> float:
        """Mean over the draws."""
        return sum(self.log_probs_counterfactual) / self.draws


class StepInfo(TypedDict):
    """`info` of `reset` and `step`. Every key is always present with one Python type.

    Gymnasium's vector environments fix a key's dtype by the first value they meet, so a
    missing gain is `0.0` with `information_gain_valid=False`, never None and never NaN.
    """

    question_id: str
    group_id: str
    action: str
    """`reset`, `search`, `answer` or `invalid`."""
    searches: int
    documents: tuple[Document, ...]
    information_gain: float
    information_gain_valid: bool
    information_gain_draws: int
    information_gain_stderr: float
    log_prob_real: float
    log_prob_counterfactual: float
    counterfactual_ids: tuple[tuple[str, ...], ...]
    counterfactual_source: str
    scorer: str
    exact_match: float
    f1: float
    invalid: bool
    retrieval_failed: bool
