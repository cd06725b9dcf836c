"""Tables and figures of the credit benchmark, from its rows.

    python -m benchmarks.quality.credit_report
    python -m benchmarks.quality.credit_report --methods grpo mine:estimate   # with a row of yours

Per regime: mean and Student's t interval over seeds, the interquartile mean with a stratified
bootstrap interval (rliable; Agarwal et al. 2021, arXiv 2108.13264), and against `grpo` and
`placebo` the paired difference by seed, an exact sign-flip test of it and the probability of
improvement. Over all regimes: the same interquartile mean, stratified by regime, of the methods
that have all runs. Figures go to `runs/micro/figures`, or with `--commit`, without rows of one's
own, to the pages that show them.
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.quality.credit import OUTPUT, read_rows, stale_rows
from benchmarks.quality.credit_ablations import split
from benchmarks.quality.credit_confirmation import confirmation_table
from benchmarks.quality.credit_figures import curves_figure, scores_figure
from benchmarks.quality.credit_run import Row, is_own
from benchmarks.quality.credit_statistics import aggregate
from benchmarks.quality.credit_tables import (
    DIFFERENCES,
    ablation_table,
    difference_table,
    habit_table,
    map_table,
    overall_table,
    score_table,
    summary_table,
)
from benchmarks.quality.credit_tuning import named
from benchmarks.quality.micro import FOLDER

FIGURES = Path("docs/assets")
OWN = FOLDER / "figures"
PAGE = Path("docs/credit-benchmark.md")
TABLES = OUTPUT.with_suffix(".md")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=Path, default=OUTPUT)
    parser.add_argument("--methods", nargs="+", help="only these")
    parser.add_argument("--seeds", type=int, nargs="+", default=list(range(10)))
    parser.add_argument("--figures", type=Path, help="folder")
    parser.add_argument(
        "--commit", action="store_true", help="write our tables and figures where they are kept"
    )
    args = parser.parse_args()
    every = read_rows(args.rows)
    rows = [
        row
        for row in every
        if row.seed in args.seeds
        and (not args.methods or row.method in args.methods)
        and not (args.commit and is_own(row.method))
    ]
    for row in stale_rows(args.rows):
        print(f"left out, since its file has changed: {row.method}, {row.regime}, seed {row.seed}")
    figures = args.figures or (FIGURES if args.commit else OWN)
    found = named(rows)
    confirmed = confirmation_table(every)
    text = f"{report(found, confirmed)}\n\n{effort(rows, every)}"
    print(text)
    for regime, methods in by_regime(found).items():
        own, _ = split(methods)
        curves_figure(own, figures / f"credit-curves-{regime}.svg")
        scores_figure(own, aggregate(own), figures / f"credit-scores-{regime}.svg")
    print(f"\nfigures: {figures}")
    if args.commit:
        TABLES.write_text(f"# Credit benchmark: all tables\n{text}\n", encoding="utf-8")
        PAGE.write_text(
            filled(PAGE.read_text(encoding="utf-8"), found, confirmed), encoding="utf-8"
        )
        print(f"tables: {TABLES}, {PAGE}")


def by_regime(
    found: Mapping[tuple[str, str], Sequence[Row]],
) -> dict[str, dict[str, Sequence[Row]]]:
    """Regime → method → rows."""
    regimes = dict.fromkeys(regime for regime, _ in found)
    return {
        regime: {method: runs for (where, method), runs in found.items() if where == regime}
        for regime in regimes
    }


def report(found: Mapping[tuple[str, str], Sequence[Row]], confirmed: str) -> str:
    """All tables."""
    parts = []
    for regime, every in by_regime(found).items():
        own, ablated = split(every)
        parts += [f"\n## {regime}\n\n{score_table(own)}"]
        parts += [difference_table(own, what, score) for what, score in DIFFERENCES.items()]
        parts += [habit_table(own)]
        if ablated:
            parts += [f"\n## {regime}, ablations\n\n{ablation_table(every)}"]
            parts += [habit_table(ablated)]
    parts += [f"\n## All regimes\n\n{overall_table(found)}"]
    if confirmed:
        parts += [f"\n## Confirmation, on fresh seeds\n\n{confirmed}"]
    return "\n\n".join(parts)


def effort(shown: Sequence[Row], every: Sequence[Row]) -> str:
    """What the runs of the tables took, and all that are on record."""
    hours = [sum(row.cpu_seconds for row in rows) / 3600 for rows in (shown, every)]
    return (
        f"{len(shown)} runs, {hours[0]:.2f} core-hours of training; with tuning and fresh seeds "
        f"{len(every)} runs, {hours[1]:.2f}."
    )


def filled(page: str, found: Mapping[tuple[str, str], Sequence[Row]], confirmed: str) -> str:
    """The page with all tables that it has marks for."""
    regimes = by_regime(found)
    page = put(put(page, "map", map_table(regimes)), "confirmation", confirmed)
    for regime, every in regimes.items():
        page = put(page, regime, summary_table(split(every)[0]))
        page = put(page, f"ablations, {regime}", ablation_table(every))
    return page


def put(page: str, mark: str, table: str) -> str:
    """The page with a table between its marks; as it is where it has none.

    >>> put("a <!-- one -->old<!-- /one --> z", "one", "new")
    'a <!-- one -->\\nnew\\n<!-- /one --> z'
    """
    begin, end = f"<!-- {mark} -->", f"<!-- /{mark} -->"
    if begin not in page or end not in page:
        return page
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"


if __name__ == "__main__":
    main()
