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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.quality.credit import OUTPUT, read_rows, stale_rows
from benchmarks.quality.credit_ablations import ABLATIONS, REGIME, split
from benchmarks.quality.credit_figures import curves_figure, scores_figure
from benchmarks.quality.credit_run import Row, is_own
from benchmarks.quality.credit_statistics import (
    Array,
    aggregate,
    at_tokens,
    interquartile_means,
    probability_of_improvement,
    shown,
    sign_flip_test,
    triple,
)
from benchmarks.quality.credit_tuning import named
from benchmarks.quality.micro import FOLDER

FIGURES = Path("docs/assets")
OWN = FOLDER / "figures"
PAGE = Path("docs/credit-benchmark.md")
TABLES = OUTPUT.with_suffix(".md")
CANDIDATE = "document_belief"
"""What was declared to be judged against IG-Search's gain."""
Score = Callable[[Row], float]

DIFFERENCES: dict[str, Score] = {
    "test EM": lambda row: row.test_em,
    "area under dev curve": lambda row: row.area,
}


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
    rows = [
        row
        for row in read_rows(args.rows)
        if row.seed in args.seeds
        and (not args.methods or row.method in args.methods)
        and not (args.commit and is_own(row.method))
    ]
    for row in stale_rows(args.rows):
        print(f"left out, since its file has changed: {row.method}, {row.regime}, seed {row.seed}")
    figures = args.figures or (FIGURES if args.commit else OWN)
    found = named(rows)
    text = report(found)
    print(text)
    for regime, every in by_regime(found).items():
        own, _ = split(every)
        curves_figure(own, figures / f"credit-curves-{regime}.svg")
        scores_figure(own, aggregate(own), figures / f"credit-scores-{regime}.svg")
    print(f"\nfigures: {figures}")
    if args.commit:
        TABLES.write_text(f"# Credit benchmark: all tables\n{text}\n", encoding="utf-8")
        page = PAGE.read_text(encoding="utf-8")
        for regime, every in by_regime(found).items():
            page = put(page, regime, summary_table(split(every)[0]))
            if regime == REGIME:
                page = put(page, "ablations", ablation_table(every))
        PAGE.write_text(page, encoding="utf-8")
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


def report(found: Mapping[tuple[str, str], Sequence[Row]]) -> str:
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
    runs = [row for rows in found.values() for row in rows]
    spent = sum(row.cpu_seconds for row in runs)
    parts += [f"{len(runs)} runs, {spent / 3600:.2f} core-hours of training."]
    return "\n\n".join(parts)


def put(page: str, regime: str, table: str) -> str:
    """The page with a regime's table between its marks; as it is where it has none.

    >>> put("a <!-- one -->old<!-- /one --> z", "one", "new")
    'a <!-- one -->\\nnew\\n<!-- /one --> z'
    """
    begin, end = f"<!-- {regime} -->", f"<!-- /{regime} -->"
    if begin not in page or end not in page:
        return page
    before, _, rest = page.partition(begin)
    return f"{before}{begin}\n{table}\n{end}{rest.partition(end)[2]}"


def summary_table(own: Mapping[str, Sequence[Row]]) -> str:
    """One line per method, best first: what it scored, how far that is from `grpo`, its price."""
    lines = [
        "| method | seeds | test EM | − `grpo`, paired | p | area under dev curve, − `grpo` | "
        "dev EM at `grpo`'s tokens | tokens, millions | CPU s |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    base = {row.seed: row for row in own.get("grpo", ())}
    budget = float(np.mean([row.tokens for row in base.values()] or [np.inf]))
    scores = DIFFERENCES.values()
    for method in sorted(own, key=lambda m: -np.mean([row.test_em for row in own[m]])):
        runs = own[method]
        pairs = [(row, base[row.seed]) for row in runs if row.seed in base and method != "grpo"]
        end, area = ([score(a) - score(b) for a, b in pairs] for score in scores)
        cells = [
            f"`{method}`",
            str(len(runs)),
            shown([row.test_em for row in runs]),
            shown(end),
            f"{sign_flip_test(end):.3f}" if len(end) > 1 else "–",
            shown(area),
            f"{np.mean([at_tokens(row, budget) for row in runs]):.3f}",
            f"{np.mean([row.tokens for row in runs]) / 1e6:.2f}",
            f"{np.mean([row.cpu_seconds for row in runs]):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def ablation_table(own: Mapping[str, Sequence[Row]]) -> str:
    """One line per ablation that has run: its scores and how far they are from the base's."""
    lines = [
        "| changed | seeds | test EM | − base, paired | p | area under dev curve, − base | "
        "queries, tokens | tokens, millions |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for ablation in ABLATIONS:
        base = {row.seed: row for row in own.get(ablation.base, ())}
        runs = [row for row in own.get(ablation.name, ()) if row.seed in base]
        if not runs:
            continue
        end, area = (
            [score(row) - score(base[row.seed]) for row in runs] for score in DIFFERENCES.values()
        )
        cells = [
            ablation.what,
            str(len(runs)),
            shown([row.test_em for row in runs]),
            shown(end),
            f"{sign_flip_test(end):.3f}",
            shown(area),
            f"{np.mean([row.query_length for row in runs]):.1f}",
            f"{np.mean([row.tokens for row in runs]) / 1e6:.2f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def score_table(own: Mapping[str, Sequence[Row]]) -> str:
    """One line per method: seeds, scores, what they cost."""
    lines = [
        "| method | seeds | test EM | IQM of test EM | area under dev curve | "
        "dev EM at `grpo`'s tokens | tokens, millions | signal's share | CPU seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    means = aggregate(own)
    budget = float(np.mean([row.tokens for row in own.get("grpo", ())] or [np.inf]))
    for method, runs in own.items():
        cells = [
            method,
            str(len(runs)),
            shown([row.test_em for row in runs]),
            triple(means[method]) if method in means else "–",
            shown([row.area for row in runs]),
            shown([at_tokens(row, budget) for row in runs]),
            f"{np.mean([row.tokens for row in runs]) / 1e6:.2f}",
            f"{np.mean([row.gain_share for row in runs]):.0%}",
            f"{np.mean([row.cpu_seconds for row in runs]):.0f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def difference_table(own: Mapping[str, Sequence[Row]], what: str, score: Score) -> str:
    """Paired by seed against the baseline, and against the placebo for what claims information."""
    lines = [
        f"| {what} | seeds | difference, paired | p, sign flips | P(improvement) |",
        "| --- | --- | --- | --- | --- |",
    ]
    pairs = [(method, "grpo") for method in own if method != "grpo"]
    informed = [
        name
        for name in own
        if name.split()[0] in ("ig_search", "oracle", CANDIDATE) or is_own(name)
    ]
    pairs += [(m, base) for m in informed for base in own if base.split()[0] == "placebo"]
    pairs += [(CANDIDATE, "ig_search")]
    for method, base in pairs:
        by_seed = {row.seed: score(row) for row in own.get(base, ())}
        both = [(score(r), by_seed[r.seed]) for r in own.get(method, ()) if r.seed in by_seed]
        if len(both) < 2:
            continue
        first, second = np.array(both).T
        cells = [
            f"{method} − {base}",
            str(len(both)),
            shown((first - second).tolist()),
            f"{sign_flip_test((first - second).tolist()):.3f}",
            triple(probability_of_improvement(first, second)),
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def habit_table(own: Mapping[str, Sequence[Row]]) -> str:
    """What the policies do: recall, searches, query length, groups that all failed."""
    columns: dict[str, Score] = {
        "recall": lambda row: row.test_recall,
        "searches": lambda row: row.test_searches,
        "query tokens": lambda row: row.query_length,
        "rollouts in all-fail groups": lambda row: row.all_fail_share,
    }
    hops = sorted({hop for runs in own.values() for row in runs for hop in row.test_em_by_hops})
    heads = [*columns, *(f"EM, {hop} hops" for hop in hops)]
    lines = [f"| method | {' | '.join(heads)} |", f"| --- |{' --- |' * len(heads)}"]
    for method, runs in own.items():
        cells = [shown([score(row) for row in runs]) for score in columns.values()]
        cells += [shown([row.test_em_by_hops[hop] for row in runs]) for hop in hops]
        lines.append(f"| {method} | {' | '.join(cells)} |")
    return "\n".join(lines)


def overall_table(found: Mapping[tuple[str, str], Sequence[Row]]) -> str:
    """Interquartile means over regimes, of methods with the same seeds in all of them."""
    found = {key: rows for key, rows in found.items() if split({key[1]: rows})[0]}
    regimes = list(dict.fromkeys(regime for regime, _ in found))
    scores: dict[str, Array] = {}
    for method in dict.fromkeys(method for _, method in found):
        runs = [{r.seed: r.test_em for r in found.get((where, method), ())} for where in regimes]
        seeds = sorted(set.intersection(*(set(own) for own in runs)))
        if len(seeds) > 1:
            scores[method] = np.array([[own[seed] for own in runs] for seed in seeds])
    lines = [
        f"| method | seeds | IQM of test EM over {', '.join(regimes)} |",
        "| --- | --- | --- |",
    ]
    for method, values in interquartile_means(scores).items() if scores else ():
        lines.append(f"| {method} | {len(scores[method])} | {triple(values)} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
