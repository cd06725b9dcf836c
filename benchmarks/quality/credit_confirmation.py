"""Comparisons that ten seeds had left open, on seeds that nobody had looked at.

    python -m benchmarks.quality.credit_confirmation   # what is missing (2.4 core-hours), and table
    python -m benchmarks.quality.credit_report --commit   # the table on its page

Comparisons, regimes, seeds and test were declared before any of the runs
(docs/credit-benchmark.md). Two-sided exact sign-flip tests of test EM, paired by seed; Holm's
correction over those that were declared together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.quality.credit import OUTPUT, UPDATES, collect, read_rows, run_unless_known
from benchmarks.quality.credit_run import Job, Row
from benchmarks.quality.credit_statistics import holm, shown, sign_flip_test
from benchmarks.quality.credit_tables import EQUAL_PLACEBO, paired
from benchmarks.quality.credit_tuning import Tuning, named, short


@dataclass(frozen=True, slots=True, kw_only=True)
class Confirmation:
    """What is compared where, on which seeds."""

    regime: str
    seeds: Sequence[int]
    pairs: Sequence[tuple[str, str]]

    @property
    def names(self) -> list[str]:
        """Of the methods, as `credit_tuning.named` calls their rows."""
        return list(dict.fromkeys(name for pair in self.pairs for name in pair))


CONFIRMATIONS = (
    Confirmation(
        regime="unseen",
        seeds=range(10, 30),
        pairs=(
            ("document_belief", "every_search"),
            ("ig_search", EQUAL_PLACEBO),
            ("document_belief", "ig_search"),
        ),
    ),
    Confirmation(regime="atlas", seeds=range(10, 20), pairs=(("ig_search", EQUAL_PLACEBO),)),
    Confirmation(
        regime="unseen",
        seeds=range(10, 30),
        pairs=(("document_belief", "every_search credit.options.alpha=0.9"),),
    ),
)


def main() -> None:
    tuning = Tuning(rows=lambda: read_rows(OUTPUT), updates=UPDATES)
    for regime, seed, name in [
        (each.regime, seed, name)
        for each in CONFIRMATIONS
        for seed in each.seeds
        for name in each.names
    ]:
        method, *settings = name.split()
        run_unless_known(
            Job(
                regime=regime,
                method=method,
                settings=(*tuning.settings(method), *settings),
                seed=seed,
                updates=UPDATES,
            ),
            OUTPUT,
        )
    collect(OUTPUT)
    print(confirmation_table(read_rows(OUTPUT)))


def confirmation_table(rows: Sequence[Row]) -> str:
    """One line per comparison, over the seeds that both have; empty before the first run."""
    lines = [
        "| regime | difference in test EM | seeds | of the first | of the second | paired | p | "
        "p, Holm |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for each in CONFIRMATIONS:
        fresh = [row for row in rows if row.regime == each.regime and row.seed in each.seeds]
        own = {name: runs for (_, name), runs in named(fresh).items()}
        differences = [paired(own, *pair) for pair in each.pairs]
        if not all(differences):
            continue
        tests = [sign_flip_test(values) for values in differences]
        for pair, values, p, corrected in zip(
            each.pairs, differences, tests, holm(tests), strict=True
        ):
            cells = [
                f"`{each.regime}`",
                " − ".join(f"`{short(name)}`" for name in pair),
                str(len(values)),
                *(shown([row.test_em for row in own[name]]) for name in pair),
                shown(values),
                *(f"{value:.4f}" if value >= 1e-4 else "< 0.0001" for value in (p, corrected)),
            ]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) if len(lines) > 2 else ""


if __name__ == "__main__":
    main()
