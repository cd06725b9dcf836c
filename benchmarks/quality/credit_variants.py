"""Variants of IG-Search that are no options of it: for the ablations of the credit benchmark.

    python -m benchmarks.quality.credit --methods benchmarks.quality.credit_variants:whole_step \
        --regimes two-hops --seeds 0 1 2 3 4

Each changes one thing: where the gain is put, what it is compared with, or which draws it is
averaged over. All others are those of `ig_search` as published.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch

from igs_agent.batch import Credit, Signal, StepTable
from igs_agent.credit.ig_search import IGSearch
from igs_env.counterfactual import OtherQuestionsSampler
from igs_env.types import Episode, Fragment


def whole_step(table: StepTable) -> Credit:
    """The gain on all of the step's tokens instead of its query's, divided by |Q_t| alike."""
    credit = IGSearch()(table)
    return Credit(step=credit.step + credit.query, query=torch.zeros_like(credit.query))


def no_baseline(table: StepTable) -> Credit:
    """The answer's log-probability behind the search's documents, compared with nothing."""
    return _with_gain(table, _behind(table))


def before_baseline(table: StepTable) -> Credit:
    """The same minus the answer's log-probability before the search."""
    behind, before = _behind(table), table.signal("answer_log_prob")
    both = behind.valid & before.valid
    values = torch.where(both, behind.values - before.values, torch.zeros_like(behind.values))
    return _with_gain(table, Signal(values=values, valid=both))


class IndependentDraws(OtherQuestionsSampler):
    """Counterfactual documents that each member of a group draws for itself."""

    def sample(
        self,
        episode: Episode,
        step: int,
        *,
        draws: int,
        batch: Sequence[Episode] = (),
        with_refine: bool = False,
    ) -> tuple[Fragment, ...]:
        """See `FragmentSampler.sample`."""
        own = replace(episode, seed=1000 * episode.seed + episode.member)
        return super().sample(own, step, draws=draws, batch=batch, with_refine=with_refine)


def _behind(table: StepTable) -> Signal:
    """The answer's log-probability at the start of the step after a search."""
    signal, searched = table.signal("answer_log_prob"), table.query_length > 0
    values, valid = torch.zeros_like(signal.values), torch.zeros_like(signal.valid)
    values[:, :-1], valid[:, :-1] = signal.values[:, 1:], signal.valid[:, 1:]
    valid = valid & searched
    return Signal(values=torch.where(valid, values, torch.zeros_like(values)), valid=valid)


def _with_gain(table: StepTable, gain: Signal) -> Credit:
    return IGSearch()(replace(table, signals={"gain": gain}))


whole_step.signals = ("gain",)  # type: ignore[attr-defined]
no_baseline.signals = ("answer_log_prob",)  # type: ignore[attr-defined]
before_baseline.signals = ("answer_log_prob",)  # type: ignore[attr-defined]
