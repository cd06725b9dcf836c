"""Counterfactual information gain: the one place where it is computed.

    log π(a*|C) = (1/|a*|) Σ_k log π(a*_k | C, a*_<k)                      (eq. 2)
    IG_t        = log π(a*|C_t^real) − (1/N) Σ_j log π(a*|C_t^rand,j)      (eq. 3)

IG-Search, arXiv 2604.15148. In nats per answer token; a pointwise log-likelihood ratio, not
Shannon's information gain. Who scores (`AnswerScorer`) and what the documents are replaced by
(`FragmentSampler`) are given; this module only forms contexts, means and differences.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from igs_env.answers import normalise_answer
from igs_env.contexts import ScoreRequest, refine_after
from igs_env.errors import ConfigurationError, IGSearchError, unknown_name
from igs_env.types import Episode, Fragment, InformationGain

LogProbs = NDArray[np.float64]
"""Shape (k,): one log-probability in nats per target token."""


class AnswerScorer(Protocol):
    """A language model, or something like one, that tells how likely a text is."""

    name: str

    def token_log_probs(self, requests: Sequence[ScoreRequest]) -> list[LogProbs]:
        """One array per request, one value in nats per token of its target; never empty."""
        ...


class FragmentSampler(Protocol):
    """Where counterfactual documents come from."""

    name: str

    def sample(
        self,
        episode: Episode,
        step: int,
        *,
        draws: int,
        batch: Sequence[Episode] = (),
        with_refine: bool = False,
    ) -> tuple[Fragment, ...]:
        """At most `draws` replacements for the documents of a step; empty when there is none.

        With `with_refine` every replacement must carry a refine text.

        Depends on (episode.seed, question id, step, draw) and, for samplers that draw from
        other episodes, on the content of `batch`; never on the order of calls.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class GainRequest:
    """One search step whose gain is asked for."""

    episode: Episode
    step: int
    through_refine: bool = False
    """Replace documents and refine block jointly (deferred scoring under `autorefine`)."""


def mean_log_prob(log_probs: LogProbs) -> float:
    """Length-normalised log-probability of a target (eq. 2)."""
    return float(log_probs.mean())


def head_weighted_log_prob(log_probs: LogProbs) -> float:
    """Mean with the first three tokens weighted three times, as in IG-Search's published code.

    >>> head_weighted_log_prob(np.array([-1.0, -1.0, -1.0, -2.0])) == -(3 * 3 + 2) / (3 * 3 + 1)
    True
    """
    weights = np.where(np.arange(len(log_probs)) < 3, 3.0, 1.0)
    return float(np.average(log_probs, weights=weights))


def first_alias(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """(contexts, aliases) → (contexts,): the first gold answer's log-probability."""
    return rows[:, 0]


def best_alias(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """The alias that is likeliest in the real context (row 0). Biased upwards: it selects on
    the very value that is then compared."""
    return rows[:, int(np.argmax(rows[0]))]


def logsumexp_alias(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    """log Σ_a exp(mean log p(a)): all aliases together."""
    top = rows.max(axis=1, keepdims=True)
    return np.asarray(np.log(np.exp(rows - top).sum(axis=1)) + top[:, 0], dtype=np.float64)


ALIASES: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "first": first_alias,
    "best": best_alias,
    "logsumexp": logsumexp_alias,
}
"""Which of a question's answers the gain is about (trap T9); the default is the first."""


def measure_information_gain(
    requests: Sequence[GainRequest],
    scorer: AnswerScorer,
    sampler: FragmentSampler,
    *,
    draws: int = 3,
    batch: Sequence[Episode] = (),
    aliases: str = "first",
    average: Callable[[LogProbs], float] = mean_log_prob,
) -> list[InformationGain | None]:
    """Gain of each requested search step, all of them in one call of the scorer.

    Args:
        requests: steps that carried out a search.
        scorer: gives the log-probabilities, π_old in training (before the update).
        sampler: gives the replacements.
        draws: N of eq. 3 (IG-Search: 3).
        batch: the episodes that samplers such as `other_questions` draw from.
        aliases: key of `ALIASES`.
        average: token log-probabilities → log-probability of the answer.

    Returns:
        One gain per request. None where the sampler has nothing to draw from (trap T1), where
        the search brought no document, and with `through_refine` where no refine block
        follows: there is nothing to replace, and a gain is then absent rather than 0.

    Raises:
        ConfigurationError: `draws` below 1, or an unknown way to treat aliases.
        IGSearchError: the scorer broke its contract.

    >>> measure_information_gain([], scorer=None, sampler=None)
    []
    """
    if draws < 1:
        raise ConfigurationError(f"counterfactuals must be at least 1, got {draws}")
    if aliases not in ALIASES:
        raise unknown_name("way to treat aliases", aliases, ALIASES)
    drawn = [
        sampler.sample(
            request.episode,
            request.step,
            draws=draws,
            batch=batch,
            with_refine=request.through_refine,
        )
        if _replaceable(request)
        else ()
        for request in requests
    ]
    grids = [
        _score_requests(request, fragments, aliases)
        for request, fragments in zip(requests, drawn, strict=True)
    ]
    flat = [score for grid in grids for row in grid for score in row]
    scored = _checked(scorer, scorer.token_log_probs(flat), len(flat)) if flat else []
    values = iter([average(row) for row in scored])
    gains: list[InformationGain | None] = []
    for request, fragments, grid in zip(requests, drawn, grids, strict=True):
        rows = np.array([[next(values) for _ in row] for row in grid], dtype=np.float64)
        gains.append(
            _gain(request, fragments, ALIASES[aliases](rows), sampler.name, scorer.name)
            if fragments
            else None
        )
    return gains


def _replaceable(request: GainRequest) -> bool:
    if not request.episode.steps[request.step].documents:
        return False
    return not request.through_refine or refine_after(request.episode, request.step) is not None


def _score_requests(
    request: GainRequest, fragments: Sequence[Fragment], aliases: str
) -> list[list[ScoreRequest]]:
    """(1 + draws) × aliases requests, the real context first; none without a fragment."""
    if not fragments:
        return []
    protocol, question = request.episode.protocol, request.episode.question
    targets = question.answers[:1] if aliases == "first" else question.answers
    contexts: list[dict[int, Fragment]] = [{}, *({request.step: f} for f in fragments)]
    return [
        [
            ScoreRequest(
                episode=request.episode,
                step=request.step,
                target=target,
                probe=protocol.probe,
                probe_end=protocol.probe_end,
                replacements=replacements,
                through_refine=request.through_refine,
            )
            for target in targets
        ]
        for replacements in contexts
    ]


def _gain(
    request: GainRequest,
    fragments: Sequence[Fragment],
    log_probs: NDArray[np.float64],
    source: str,
    scorer: str,
) -> InformationGain:
    real, counterfactual = float(log_probs[0]), log_probs[1:]
    spread = float(counterfactual.std(ddof=1)) if len(counterfactual) > 1 else 0.0
    return InformationGain(
        value=real - float(counterfactual.mean()),
        log_prob_real=real,
        log_probs_counterfactual=tuple(map(float, counterfactual)),
        stderr=spread / math.sqrt(len(counterfactual)),
        counterfactual_ids=tuple(tuple(d.id for d in f.documents) for f in fragments),
        source=source,
        scorer=scorer,
        answer_in_counterfactual=any(
            _holds_answer(fragment, request.episode.question.answers) for fragment in fragments
        ),
    )


def _holds_answer(fragment: Fragment, answers: Sequence[str]) -> bool:
    text = f" {normalise_answer(' '.join(f'{d.title} {d.text}' for d in fragment.documents))} "
    return any(f" {gold} " in text for gold in map(normalise_answer, answers) if gold)


def _checked(scorer: AnswerScorer, rows: Sequence[LogProbs], expected: int) -> Sequence[LogProbs]:
    if len(rows) != expected:
        raise IGSearchError(
            f"scorer {scorer.name!r} returned {len(rows)} arrays for {expected} requests; "
            "token_log_probs must return one per request, in order"
        )
    for row in rows:
        if np.ndim(row) != 1 or len(row) == 0 or not np.isfinite(row).all():
            raise IGSearchError(
                f"scorer {scorer.name!r} returned {row!r}; expected one finite log-probability "
                "per token of the target"
            )
    return [np.asarray(row, dtype=np.float64) for row in rows]
