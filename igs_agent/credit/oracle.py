"""The ceiling: credit for the searches that brought a needed document. A control, not a method."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.ig_search import with_signal_on_queries


@dataclass(frozen=True, slots=True, kw_only=True)
class Oracle:
    """GRPO's advantage, plus α·[the search brought a gold document of its own] / |Q_t|.

    The form of `IGSearch` with the truth in place of the gain: what a perfect step-level signal
    would do. Needs questions whose gold documents are known.

    >>> from igs_agent.credit.example import table
    >>> Oracle()(table(outcome=[0, 0], group=[0, 0], found_gold=[[1.0], [0.0]])).query.tolist()
    [[0.075], [0.0]]
    """

    signals: ClassVar[tuple[str, ...]] = ("found_gold",)

    alpha: float = 0.3
    """Weight, as in `IGSearch`."""
    per_token: bool = True
    """Divide by |Q_t|, as in `IGSearch`."""
    epsilon: float = 1e-6
    """See `GRPO`."""

    def __call__(self, table: StepTable) -> Credit:
        """Credit of every step, and the truth's part on its query."""
        return with_signal_on_queries(
            table, "found_gold", self.alpha, per_token=self.per_token, epsilon=self.epsilon
        )
