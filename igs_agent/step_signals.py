"""What can be measured of each step, from trajectories: the signals of a step table."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import torch

from igs_agent.batch import Signal
from igs_agent.document_value import belief_gain, document_values
from igs_agent.trajectory import Trajectory
from igs_env.answers import normalise_answer
from igs_env.types import Question, Step


def gain(trajectories: Sequence[Trajectory], steps: int) -> Signal:
    """Information gain in nats per answer token, where `measure_gains` has measured one."""
    return _signal(
        [[None if g is None else g.value for g in trajectory.gains] for trajectory in trajectories],
        steps,
    )


def answer_log_prob(trajectories: Sequence[Trajectory], steps: int) -> Signal:
    """Log-probability of the gold answer at the start of a step, nats per answer token.

    Where `measure_answer_log_probs` has measured it.
    """
    return _signal([trajectory.answer_log_probs for trajectory in trajectories], steps)


def transfer(trajectories: Sequence[Trajectory], steps: int) -> Signal:
    """How much a search's documents raise the next query's log-probability, nats per query token.

    Where `measure_transfers` has measured it.
    """
    return _signal([trajectory.transfers for trajectory in trajectories], steps)


def relay(trajectories: Sequence[Trajectory], steps: int) -> Signal:
    """What a search makes possible for the question's other rollouts, nats per answer token.

    Where `measure_relays` has measured it.
    """
    return _signal([trajectory.relays for trajectory in trajectories], steps)


def found_gold(trajectories: Sequence[Trajectory], steps: int) -> Signal:
    """1 where a search brought a hop's document that no earlier step had brought, else 0.

    Measured at searches of questions whose gold documents are known.
    """
    return _signal([_found(trajectory) for trajectory in trajectories], steps)


def answer_in_documents(trajectories: Sequence[Trajectory], steps: int) -> Signal:
    """1 where one of a search's documents holds a gold answer, normalised, else 0."""
    return _signal(
        [
            [
                _holds_answer(step, trajectory.episode.question) if step.searched else None
                for step in trajectory.episode.steps
            ]
            for trajectory in trajectories
        ],
        steps,
    )


def document_value(trajectories: Sequence[Trajectory], steps: int) -> Signal:
    """What a search's document was worth to the question's rollouts, by outcome and gain in equal
    parts, see `igs_agent.document_value`. Without measured gains half of it is missing."""
    return _signal(document_values(trajectories, gain_share=0.5), steps)


def document_belief(trajectories: Sequence[Trajectory], steps: int) -> Signal:
    """The same with the gain in probability instead of nats."""
    return _signal(document_values(trajectories, gain_share=0.5, gain=belief_gain), steps)


def document_outcome(trajectories: Sequence[Trajectory], steps: int) -> Signal:
    """The same by the outcome alone, in units of the reward."""
    return _signal(document_values(trajectories, gain_share=0.0), steps)


SIGNALS: Mapping[str, Callable[[Sequence[Trajectory], int], Signal]] = {
    "answer_in_documents": answer_in_documents,
    "answer_log_prob": answer_log_prob,
    "document_belief": document_belief,
    "document_outcome": document_outcome,
    "document_value": document_value,
    "found_gold": found_gold,
    "gain": gain,
    "relay": relay,
    "transfer": transfer,
}
"""Name → how it is read off R trajectories as (R, S) numbers. What an estimator may ask for."""

MEASURED: Mapping[str, tuple[str, ...]] = {
    "answer_log_prob": ("answer_log_prob",),
    "document_belief": ("gain",),
    "document_value": ("gain",),
    "gain": ("gain",),
    "relay": ("gain", "relay"),
    "transfer": ("transfer",),
}
"""Signal → what has to be measured for it by forward passes; the others are read off the episodes
and cost nothing."""


def measurements(signals: Iterable[str]) -> frozenset[str]:
    """What has to be measured by forward passes for signals of these names.

    >>> sorted(measurements(["relay", "found_gold"]))
    ['gain', 'relay']
    """
    return frozenset(part for name in signals for part in MEASURED.get(name, ()))


def draws_counterfactuals(signals: Iterable[str]) -> bool:
    """Whether signals of these names compare with counterfactual documents."""
    return bool(measurements(signals) - {"answer_log_prob"})


def _found(trajectory: Trajectory) -> list[float | None]:
    hops = [set(ids) for ids in trajectory.episode.question.gold_documents]
    missing = list(hops)
    row: list[float | None] = []
    for step in trajectory.episode.steps:
        if not step.searched or not hops:
            row.append(None)
            continue
        brought = {document.id for document in step.documents}
        row.append(float(any(hop & brought for hop in missing)))
        missing = [hop for hop in missing if not hop & brought]
    return row


def _holds_answer(step: Step, question: Question) -> float:
    text = " ".join(f"{document.title} {document.text}" for document in step.documents)
    # Whole words: "art" is not in "party".
    padded = f" {normalise_answer(text)} "
    golds = filter(None, map(normalise_answer, question.answers))
    return float(any(f" {gold} " in padded for gold in golds))


def _signal(rows: Sequence[Sequence[float | None]], steps: int) -> Signal:
    values = torch.zeros(len(rows), steps, dtype=torch.float64)
    valid = torch.zeros(len(rows), steps, dtype=torch.bool)
    for row, measured in enumerate(rows):
        for column, value in enumerate(measured):
            if value is not None:
                values[row, column] = value
                valid[row, column] = True
    return Signal(values=values, valid=valid)
