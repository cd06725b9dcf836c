"""Three comparisons that ten seeds had left open, on seeds that nobody had looked at.

    python -m benchmarks.quality.credit_confirmation   # what is missing (1.4 core-hours), and table
    python -m benchmarks.quality.credit_report --commit   # the table on its page

Comparisons, regime, seeds and test were declared before any of the runs (docs/credit-benchmark.md).
Two-sided exact sign-flip tests of test EM, paired by seed; Holm's correction over the three.
"""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.quality.credit import OUTPUT, UPDATES, collect, read_rows, run_unless_known
from benchmarks.quality.credit_run import Job, Row
from benchmarks.quality.credit_statistics import holm, shown, sign_flip_test
from benchmarks.quality.credit_tables import EQUAL_PLACEBO, paired
from benchmarks.quality.credit_tuning import Tuning, named

REGIME = "unseen"
SEEDS = tuple(range(10, 30))
PAIRS = (
    ("document_belief", "every_search"),
    ("ig_search", EQUAL_PLACEBO),
    ("document_belief", "ig_search"),
)


def main() -> None:
    tuning = Tuning(rows=lambda: read_rows(OUTPUT), updates=UPDATES)
    for seed in SEEDS:
        for name in dict.fromkeys(name for pair in PAIRS for name in pair):
            method, *settings = name.split()
            run_unless_known(
                Job(
                    regime=REGIME,
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
    fresh = [row for row in rows if row.seed in SEEDS]
    own = {name: runs for (regime, name), runs in named(fresh).items() if regime == REGIME}
    differences = [paired(own, *pair) for pair in PAIRS]
    if not all(differences):
        return ""
    tests = [sign_flip_test(values) for values in differences]
    lines = [
        "| difference in test EM | seeds | of the first | of the second | paired | p | p, Holm |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for pair, values, p, corrected in zip(PAIRS, differences, tests, holm(tests), strict=True):
        means = [shown([row.test_em for row in own[name]]) for name in pair]
        cells = [
            " − ".join(f"`{name.split()[0]}`" for name in pair),
            str(len(values)),
            *means,
            shown(values),
            f"{p:.4f}",
            f"{corrected:.4f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
