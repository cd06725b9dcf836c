"""What an estimator reads of a batch of rollouts, measured with the policy that made them."""

from __future__ import annotations

from collections.abc import Sequence

from igs_agent.config import CreditConfig
from igs_agent.credit import CreditEstimator, signals_of
from igs_agent.gains import measure_answer_log_probs, measure_gains
from igs_agent.generation.warm import WarmContexts
from igs_agent.policy import Policy
from igs_agent.relay import measure_relays
from igs_agent.scorer import PolicyScorer
from igs_agent.step_signals import measurements
from igs_agent.trajectory import Trajectory
from igs_agent.transfer import measure_transfers
from igs_agent.tree import shares_prefixes
from igs_env.information_gain import FragmentSampler
from igs_env.types import Episode, Fragment


class FromBatch:
    """A sampler that draws from one batch, whichever part of it is measured.

    A process measures its own rollouts, and counterfactuals must not depend on how the batch is
    spread over processes.
    """

    def __init__(self, sampler: FragmentSampler, batch: Sequence[Episode]) -> None:
        """`batch`: the episodes of the whole update."""
        self.name = sampler.name
        self._sampler, self._batch = sampler, batch

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
        del batch
        return self._sampler.sample(
            episode, step, draws=draws, batch=self._batch, with_refine=with_refine
        )


def warm_contexts(policy: Policy, estimator: CreditEstimator) -> WarmContexts | None:
    """For the generator to fill and the scorer to read, before the same update.

    None where nothing is measured, or where the scorer could not go on from keys and values.
    """
    measures = bool(measurements(signals_of(estimator)))
    return WarmContexts() if measures and shares_prefixes(policy) else None


def measure_signals(
    trajectories: Sequence[Trajectory],
    scorer: PolicyScorer,
    estimator: CreditEstimator,
    sampler: FragmentSampler | None,
    credit: CreditConfig,
) -> list[Trajectory]:
    """The trajectories with the signals that the estimator names; what it does not is not paid for.

    Args:
        trajectories: of one update, before it.
        scorer: of the policy that made them.
        estimator: its attribute `signals` says what is wanted.
        sampler: of counterfactual documents; None where no signal draws any.
        credit: draws and aliases.
    """
    wanted, draws = measurements(signals_of(estimator)), credit.counterfactuals
    measured = list(trajectories)
    if "gain" in wanted and sampler is not None:
        measured = measure_gains(measured, scorer, sampler, draws=draws, aliases=credit.aliases)
    if "answer_log_prob" in wanted:
        measured = measure_answer_log_probs(measured, scorer)
    if "transfer" in wanted and sampler is not None:
        measured = measure_transfers(measured, scorer, sampler, draws=draws)
    if "relay" in wanted and sampler is not None:
        measured = measure_relays(measured, scorer, sampler, draws=draws)
    return measured
