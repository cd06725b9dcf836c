"""Tables of the credit benchmark, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from benchmarks.quality.credit_ablations import ABLATIONS, split
from benchmarks.quality.credit_run import Row, is_own
from benchmarks.quality.credit_statistics import (
    Array,
    aggregate,
    at_tokens,
    interquartile_means,
    probability_of_improvement,
    shown,
    sign_flip_test,
    signed,
    triple,
)

CANDIDATE = "document_belief"
"""What was declared to be judged against IG-Search's gain."""
EQUAL_PLACEBO = "placebo credit.options.alpha=0.3"
"""The control at `ig_search`'s weight."""
Score = Callable[[Row], float]

DIFFERENCES: dict[str, Score] = {
    "test EM": lambda row: row.test_em,
    "area under dev curve": lambda row: row.area,
}
MAP = ("two-hops", "three-hops", "three-hops-weak", "unseen", "unseen-cool", "unseen-rare", "atlas")
"""Regimes, in the map's order."""


def map_table(regimes: Mapping[str, Mapping[str, Sequence[Row]]]) -> str:
    """One line per regime: where which credit helps, as paired differences in test EM.

    Bold where the whole interval is on one side of 0.
    """
    pairs = [
        ("oracle", "grpo"),
        (CANDIDATE, "grpo"),
        ("ig_search", "grpo"),
        ("every_search", "grpo"),
        ("ig_search", EQUAL_PLACEBO),
    ]
    heads = [f"`{first}` − `{second.split()[0]}`" for first, second in pairs]
    lines = [
        f"| regime | `grpo`, and its rollouts in groups that all fail | {' | '.join(heads)} |",
        f"| --- |{' --- |' * (1 + len(heads))}",
    ]
    for regime in MAP:
        own = regimes.get(regime, {})
        base = own.get("grpo", ())
        if not base:
            continue
        failed = np.mean([row.all_fail_share for row in base])
        cells = [f"`{regime}`", f"{np.mean([row.test_em for row in base]):.3f}, {failed:.0%}"]
        cells += [signed(paired(own, *pair)) for pair in pairs]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def paired(own: Mapping[str, Sequence[Row]], first: str, second: str) -> list[float]:
    """Differences in test EM of runs with the same seed."""
    base = {row.seed: row.test_em for row in own.get(second, ())}
    return [row.test_em - base[row.seed] for row in own.get(first, ()) if row.seed in base]


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
    """Paired by seed against the baseline, and against what knows nothing for what claims to."""
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
    knowing_nothing = [name for name in own if name.split()[0] in ("placebo", "every_search")]
    pairs += [(method, base) for method in informed for base in knowing_nothing]
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
