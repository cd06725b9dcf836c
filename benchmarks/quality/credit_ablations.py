"""Ablations of IG-Search, one thing at a time, in regimes of the credit benchmark.

    python -m benchmarks.quality.credit_ablations   # those that are missing; an hour on one core
    python -m benchmarks.quality.credit_report      # their table

The rows lie with the benchmark's own and are read and made by the same rules.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.quality.credit import OUTPUT, UPDATES, collect, read_rows, run_unless_known
from benchmarks.quality.credit_run import Job, Row
from benchmarks.quality.credit_tuning import Tuning

SEEDS = tuple(range(5))
_HERE = "benchmarks.quality.credit_variants"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ablation:
    """What is changed, and from what."""

    what: str
    method: str = "ig_search"
    settings: tuple[str, ...] = ()
    base: str = "ig_search"
    """Method that it is compared with."""

    @property
    def name(self) -> str:
        """As `credit_tuning.named` calls its rows."""
        return " ".join([self.method, *self.settings])


def _group_sizes(method: str) -> list[Ablation]:
    """64 rollouts an update, shared out among fewer or more questions than 8."""
    return [
        Ablation(
            what=f"`{method}`, {64 // size} questions × {size} rollouts",
            method=method,
            settings=(f"rollout.group_size={size}", f"rollout.questions={64 // size}"),
            base=method,
        )
        for size in (2, 4, 16)
    ]


BASELINES = (
    "no documents in their place",
    "compared with before the search",
    "compared with nothing",
)
"""What the gain is measured against, of the ablations below: those that `unseen-rare` has."""
ABLATIONS: Sequence[Ablation] = (
    Ablation(what="N = 1", settings=("credit.counterfactuals=1",)),
    Ablation(what="N = 8", settings=("credit.counterfactuals=8",)),
    Ablation(what="documents drawn from the corpus", settings=("credit.sampler=corpus",)),
    Ablation(what="the query's next-best documents", settings=("credit.sampler=hard_negatives",)),
    Ablation(what="no documents in their place", settings=("credit.sampler=empty",)),
    Ablation(what="compared with before the search", method=f"{_HERE}:before_baseline"),
    Ablation(what="compared with nothing", method=f"{_HERE}:no_baseline"),
    Ablation(
        what="every member draws for itself",
        settings=(f"credit.sampler={_HERE}:IndependentDraws",),
    ),
    Ablation(what="no dead zone, δ = 0", settings=("credit.options.dead_zone=0",)),
    Ablation(what="negatives whole, λ = 1", settings=("credit.options.negative_factor=1",)),
    Ablation(what="no negatives, λ = 0", settings=("credit.options.negative_factor=0",)),
    Ablation(what="not clipped, η = 1000", settings=("credit.options.clip_at=1000",)),
    Ablation(what="α = 0.1", settings=("credit.options.alpha=0.1",)),
    Ablation(what="α = 0.9", settings=("credit.options.alpha=0.9",)),
    Ablation(
        what="not divided by the query's length", settings=("credit.options.per_token=false",)
    ),
    Ablation(what="on the whole step", method=f"{_HERE}:whole_step"),
    *_group_sizes("grpo"),
    *_group_sizes("ig_search"),
)

REGIMES: Mapping[str, Sequence[Ablation]] = {
    "two-hops": ABLATIONS,
    "unseen-rare": [a for a in ABLATIONS if a.what in BASELINES],
}
"""Regime → what is ablated there: all where it was declared, and what the gain is measured against
where there is something to gain."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=list(SEEDS))
    parser.add_argument("--regimes", nargs="+", default=list(REGIMES), choices=list(REGIMES))
    args = parser.parse_args()
    tuning = Tuning(rows=lambda: read_rows(OUTPUT), updates=UPDATES)
    for seed in args.seeds:
        for regime in args.regimes:
            for ablation in REGIMES[regime]:
                settings = (*tuning.settings(ablation.method), *ablation.settings)
                run_unless_known(
                    Job(
                        regime=regime,
                        method=ablation.method,
                        settings=settings,
                        seed=seed,
                        updates=UPDATES,
                    ),
                    OUTPUT,
                )
    collect(OUTPUT)


def split(
    own: Mapping[str, Sequence[Row]],
) -> tuple[dict[str, Sequence[Row]], dict[str, Sequence[Row]]]:
    """A regime's rows by name, and those of ablations apart."""
    names = {ablation.name for ablation in ABLATIONS}
    rest = {name: rows for name, rows in own.items() if name not in names}
    return rest, {name: rows for name, rows in own.items() if name in names}


if __name__ == "__main__":
    main()
