"""Credit assignment: estimators that turn a step table into credit, by name."""

from __future__ import annotations

import dataclasses
import importlib
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from igs_agent.batch import Credit, StepTable
from igs_agent.credit.chained_gain import ChainedGain
from igs_agent.credit.document_value import DocumentBelief, DocumentOutcome, DocumentValue
from igs_agent.credit.dr_grpo import DrGRPO
from igs_agent.credit.every_search import EverySearch
from igs_agent.credit.gigpo import GiGPO
from igs_agent.credit.grpo import GRPO
from igs_agent.credit.ig_search import IGSearch
from igs_agent.credit.igpo import IGPO
from igs_agent.credit.mr_search import MRSearch
from igs_agent.credit.mt_grpo import MTGRPO
from igs_agent.credit.oracle import Oracle
from igs_agent.credit.placebo import Placebo
from igs_agent.credit.query_only import QueryOnly
from igs_agent.credit.relayed_gain import RelayedGain
from igs_agent.credit.rloo import RLOO


class CreditEstimator(Protocol):
    """Anything that turns steps into credit: an object below, or a user's function."""

    def __call__(self, table: StepTable, /) -> Credit:
        """Credit of every step of the table."""
        ...


ESTIMATORS: dict[str, Callable[..., CreditEstimator]] = {
    "chained_gain": ChainedGain,
    "document_belief": DocumentBelief,
    "document_outcome": DocumentOutcome,
    "document_value": DocumentValue,
    "dr_grpo": DrGRPO,
    "every_search": EverySearch,
    "gigpo": GiGPO,
    "grpo": GRPO,
    "ig_search": IGSearch,
    "igpo": IGPO,
    "mr_search": MRSearch,
    "mt_grpo": MTGRPO,
    "oracle": Oracle,
    "placebo": Placebo,
    "query_only": QueryOnly,
    "relayed_gain": RelayedGain,
    "rloo": RLOO,
}
"""Name → class; its fields are the estimator's hyper-parameters."""


def make_estimator(
    spec: str | CreditEstimator, options: Mapping[str, Any] | None = None
) -> CreditEstimator:
    """The estimator that `spec` names.

    Args:
        spec: key of `ESTIMATORS`, `module:attribute` (a function of a table, or a class), or the
            estimator itself.
        options: hyper-parameters, for names and classes.

    Raises:
        ValueError: no such estimator, no such hyper-parameter, or options for a plain function.

    >>> make_estimator("ig_search", {"alpha": 0.5}).alpha
    0.5
    """
    options = dict(options or {})
    found: Any = spec
    if isinstance(spec, str):
        found = _find(spec)
    if isinstance(found, type):
        known = (
            {f.name for f in dataclasses.fields(found)} if dataclasses.is_dataclass(found) else None
        )
        for name in options:
            if known is not None and name not in known:
                raise ValueError(_unknown(f"option of {spec}", name, known))
        made: CreditEstimator = found(**options)
        return made
    if options:
        raise ValueError(f"{spec!r} is a plain function and takes no options, got {options}")
    if not callable(found):
        raise ValueError(f"{spec!r} is no estimator: it cannot be called with a step table")
    estimator: CreditEstimator = found
    return estimator


def signals_of(estimator: CreditEstimator) -> tuple[str, ...]:
    """Names of the signals that an estimator reads, its attribute `signals`; none by default.

    What no estimator reads is not measured: a run pays for the gain only where it is used. Raises
    ValueError for one text in place of several.
    """
    named = getattr(estimator, "signals", ())
    if isinstance(named, str):
        raise ValueError(f"signals is the text {named!r}, expected names: ({named!r},)")
    return tuple(named)


def observation_similarity(estimator: CreditEstimator) -> float:
    """How alike observations must be to count as the same, its attribute of that name; 1 by
    default, which is equal.

    >>> observation_similarity(make_estimator("gigpo"))
    0.9
    """
    return float(getattr(estimator, "observation_similarity", 1.0))


def _find(name: str) -> Any:
    if name in ESTIMATORS:
        return ESTIMATORS[name]
    module, colon, attribute = name.partition(":")
    if not colon:
        raise ValueError(_unknown("credit estimator", name, set(ESTIMATORS)))
    return getattr(importlib.import_module(module), attribute)


def _unknown(kind: str, name: str, known: set[str]) -> str:
    # The maths stands alone: `igs_env.errors.unknown_name` says the same for the environment.
    import difflib

    near = difflib.get_close_matches(name, known, n=1)
    hint = f" (did you mean {near[0]!r}?)" if near else ""
    return f"no {kind} {name!r}{hint}; choose from: {', '.join(sorted(known))}"


__all__ = [
    "ESTIMATORS",
    "Credit",
    "CreditEstimator",
    "StepTable",
    "make_estimator",
    "observation_similarity",
    "signals_of",
]
