"""Document value: a search earns what its document was worth to the question's rollouts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.ig_search import with_signal_on_queries


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentValue:
    """GRPO's advantage, plus α · value_t / |Q_t| on the tokens of the t-th query. *Ours*.

    value_t compares the question's rollouts that found the search's document with those that did
    not, by outcome and information gain in equal parts (`igs_agent.document_value`). A negative
    result, kept to be repeated: as a signal it sees bridging searches, but most policies that were
    trained with it collapsed (docs/credit-benchmark.md).

    >>> from igs_agent.credit.example import table
    >>> steps = table(outcome=[0], group=[0], document_value=[[0.5, -0.25]])
    >>> DocumentValue(alpha=1.0, per_token=False)(steps).query.tolist()
    [[0.5, -0.25]]
    """

    signals: ClassVar[tuple[str, ...]] = ("document_value", "gain")

    alpha: float = 0.3
    """Weight, as in `IGSearch`."""
    negative_factor: float = 1.0
    """λ on values below 0; 1 leaves them."""
    per_token: bool = True
    """Divide by |Q_t|, as in `IGSearch`."""
    epsilon: float = 1e-6
    """See `GRPO`."""

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step, and the value's part on its query."""
        return with_signal_on_queries(
            table,
            "document_value",
            self.alpha,
            per_token=self.per_token,
            epsilon=self.epsilon,
            negative_factor=self.negative_factor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentBelief:
    """`DocumentValue` with the gain in probability instead of nats, and values below 0 shrunk.

    *Ours*. λ is what IG-Search shrinks negative gains by, for the same reason: where hardly anyone
    succeeds most values are a little below 0, since a document without worth is compared with
    rollouts that had some, and pushing down whatever was asked destroys the policy. With λ = 1
    three of four policies ended at 0 (docs/credit-benchmark.md).

    >>> from igs_agent.credit.example import table
    >>> steps = table(outcome=[0], group=[0], document_belief=[[0.5, -0.25]])
    >>> DocumentBelief(alpha=1.0, per_token=False)(steps).query.tolist()
    [[0.5, -0.025]]
    """

    signals: ClassVar[tuple[str, ...]] = ("document_belief", "gain")

    alpha: float = 0.9
    """Weight, as it was tuned on development questions."""
    negative_factor: float = 0.1
    """λ on values below 0, as in `IGSearch`."""
    per_token: bool = True
    """Divide by |Q_t|, as in `IGSearch`."""
    epsilon: float = 1e-6
    """See `GRPO`."""

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step, and the value's part on its query."""
        return with_signal_on_queries(
            table,
            "document_belief",
            self.alpha,
            per_token=self.per_token,
            epsilon=self.epsilon,
            negative_factor=self.negative_factor,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class DocumentOutcome:
    """`DocumentValue` by the outcome alone: no gain, and no forward pass. *Ours*.

    >>> from igs_agent.credit.example import table
    >>> steps = table(outcome=[0], group=[0], document_outcome=[[0.5, -0.25]])
    >>> DocumentOutcome(alpha=1.0, per_token=False)(steps).query.tolist()
    [[0.5, -0.25]]
    """

    signals: ClassVar[tuple[str, ...]] = ("document_outcome",)

    alpha: float = 0.3
    """Weight, as in `IGSearch`."""
    per_token: bool = True
    """Divide by |Q_t|, as in `IGSearch`."""
    epsilon: float = 1e-6
    """See `GRPO`."""

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step, and the value's part on its query."""
        return with_signal_on_queries(
            table, "document_outcome", self.alpha, per_token=self.per_token, epsilon=self.epsilon
        )
