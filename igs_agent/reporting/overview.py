"""The page's parts about whole runs: what may be claimed, set-up, comparison, cost."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from igs_agent.reporting.claim import (
    Claim,
    comparison_claim,
    cost_claim,
    gain_claim,
    learning_claim,
)
from igs_agent.reporting.comparison import Comparison, change_in_run, compare
from igs_agent.reporting.cost import PHASES, cost_of
from igs_agent.reporting.gain import informativeness
from igs_agent.reporting.groups import Group
from igs_agent.reporting.plots import differences_panel, parts_panel
from igs_agent.reporting.section import Section
from igs_agent.reporting.settings import differing, word
from igs_agent.reporting.shown import interval, number, share, shown
from igs_agent.reporting.table import Table
from igs_agent.statistics import seed_interval

_FACTS = {
    "policy": "policy.path",
    "questions": "env.questions",
    "corpus": "env.corpus",
    "retriever": "env.retriever",
    "protocol": "env.protocol",
    "credit": "credit.name",
    "questions per update": "rollout.questions",
    "rollouts per question": "rollout.group_size",
    "updates": "updates",
    "learning rate": "optim.learning_rate",
    "evaluation questions": "evaluation.questions",
}
"""What the page says about a group → setting; what is not set is the default world's."""
_DEFAULTS = {
    "env.questions": "atlas (embedded)",
    "env.corpus": "of the questions",
    "env.retriever": "bm25",
}
_TITLES = {
    "exact_match": "exact match",
    "f1": "F1",
    "recall": "recall of gold documents",
    "searches": "searches per episode",
    "policy_tokens": "tokens per episode",
}
_QUALITY = ("exact_match", "f1", "recall")


def claims(groups: Sequence[Group]) -> list[Claim]:
    """What the numbers allow one to claim, group by group, then group against group."""
    found = []
    for group in groups:
        cost = cost_of(group)
        found += [
            _learning(group),
            gain_claim(group.label, informativeness(group), informativeness(group, "earlier")),
            cost_claim(group.label, cost.hours, cost.time_share, cost.token_share),
        ]
    several = len(groups) - 1
    for other in groups[1:]:
        compared = compare(groups[0], other, confidence=1 - 0.05 / several)
        if isinstance(compared, str):
            question = f"Is {other.label} better than {groups[0].label}?"
            found.append(Claim(question=question, allowed=False, text=compared))
        else:
            found.append(comparison_claim(compared, several))
    return sorted(found, key=lambda claim: not claim.question.startswith("Is "))


def _learning(group: Group) -> Claim:
    name, runs = "eval/exact_match", group.runs
    known = [{n for n, row in run.evaluations.items() if name in row} for run in runs]
    common = set.intersection(*known)
    if 0 not in common or max(common) == 0:
        return learning_claim(group.label, [], [], 0)
    last = max(common)
    before, after = ([run.evaluations[n][name] for run in runs] for n in (0, last))
    if len(runs) == 1:
        change = change_in_run(runs[0], "exact_match")
        kept = change[1] if change is not None and change[0] == last else None
        return learning_claim(group.label, before, after, last, change=kept)
    rises = [b - a for a, b in zip(before, after, strict=True)]
    return learning_claim(group.label, before, after, last, over_seeds=seed_interval(rises))


def set_up(groups: Sequence[Group]) -> Section:
    """What was trained on what, and in which settings the groups differ."""
    labels = [group.label for group in groups]
    facts = [
        (label, *(shown(word(g.settings.get(key, _DEFAULTS.get(key))), 80) for g in groups))
        for label, key in _FACTS.items()
    ]
    runs = [
        (g.label, shown(r.name, 80), word(r.seed), f"{len(r.updates)} of {word(r.planned)}",
         f"{r.episodes.count:,}", ", ".join(map(str, sorted(r.evaluations))) or "—")
        for g in groups for r in g.runs
    ]  # fmt: skip
    settings = [group.settings for group in groups]
    apart = [
        (shown(key, 80), *(shown(word(each.get(key)), 80) for each in settings))
        for key in differing(settings)
    ]
    whole = [
        (shown(key, 80), *(shown(word(each.get(key)), 80) for each in settings))
        for key in dict.fromkeys(key for each in settings for key in each)
    ]
    tables = [("What was trained on what", Table(head=("", *labels), rows=tuple(facts)))]
    if len(groups) > 1:
        tables.append(("Settings that differ", Table(head=("setting", *labels), rows=tuple(apart))))
    head = ("group", "run", "seed", "updates", "episodes", "evaluated after updates")
    tables.append(("Runs", Table(head=head, rows=tuple(runs))))
    return Section(
        id="set-up",
        title="What was run?",
        lead="Runs whose settings differ in the seed only are one group.",
        tables=tuple(tables),
        folded=(("All settings", Table(head=("setting", *labels), rows=tuple(whole))),),
    )


def comparison(groups: Sequence[Group]) -> Section | None:
    """Every group against the first, paired; None with one group."""
    if len(groups) < 2:
        return None
    found = [compare(groups[0], other) for other in groups[1:]]
    done = [each for each in found if isinstance(each, Comparison)]
    absent = [each for each in found if isinstance(each, str)]
    differences = {
        f"{_TITLES[each.score]}, {compared.second}": (each.by_seed, each.by_question)
        for compared in done
        for each in compared.differences
        if each.score in _QUALITY
    }
    panels = (
        [
            differences_panel(
                "differences",
                f"Differences from {groups[0].label}",
                "At the last evaluation that all have.",
                differences,
            )
        ]
        if differences
        else []
    )
    return Section(
        id="comparison",
        title="Which is better?",
        lead=f"Against {groups[0].label}, at the last evaluation that both have, on the same "
        "questions. Over seeds: Student's t of the differences seed by seed, which is what another "
        "training would show. Over questions: bootstrap, which is what other questions would.",
        panels=tuple(panels),
        tables=tuple((_caption(each), _comparison_table(each)) for each in done),
        absent=tuple(absent),
    )


def _caption(found: Comparison) -> str:
    seeds = f"{len(found.seeds)} common seed{'s' * (len(found.seeds) != 1)}"
    return f"{found.second} against {found.first}: after {found.update} updates, {seeds}"


def _comparison_table(found: Comparison) -> Table:
    rows = [
        (_TITLES[each.score], number(each.first), number(each.second),
         interval(each.by_seed, sign=True), interval(each.by_question, sign=True))
        for each in found.differences
    ]  # fmt: skip
    head = ("", found.first, found.second, "difference, over seeds", "difference, over questions")
    return Table(head=head, rows=tuple(rows))


def costs(groups: Sequence[Group]) -> Section:
    """Time and tokens per phase."""
    found = [cost_of(group) for group in groups]
    panels = [
        parts_panel(
            name,
            title,
            "Mean over all updates of all seeds.",
            {cost.label: parts for cost, parts in zip(found, values, strict=True) if parts},
            unit=unit,
            order=PHASES,
        )
        for name, title, unit, values in (
            ("seconds", "Time per update", "seconds", [cost.seconds for cost in found]),
            ("tokens", "Tokens per update", "tokens through the model", [c.tokens for c in found]),
        )
        if any(values)
    ]
    rows = tuple(
        (c.label, f"{c.hours:.2f}", number(sum(c.seconds.values()) if c.seconds else None),
         share(c.time_share), number(sum(c.tokens.values()) if c.tokens else None),
         share(c.token_share))
        for c in found
    )  # fmt: skip
    head = ("", "hours in all", "seconds per update", "the gain's part of the training time",
            "tokens per update", "the gain's part of the tokens")  # fmt: skip
    return Section(
        id="cost",
        title="What did it cost?",
        lead="Wall-clock time of the machines that it ran on, so only runs of one machine compare. "
        "Tokens do not depend on the machine. The gain's part of the time leaves evaluations out.",
        panels=tuple(panels),
        tables=(("Cost", Table(head=head, rows=rows)),),
        absent=() if panels else ("Neither times nor tokens are on record.",),
    )


def missing(groups: Sequence[Group], also: Sequence[str]) -> list[str]:
    """What is not there, run by run."""
    return [*map(str, also), *_missing(groups)]


def _missing(groups: Sequence[Group]) -> Iterator[str]:
    from igs_agent.reporting.load import unfinished

    for group in groups:
        for run in group.runs:
            for problem in (*filter(None, [unfinished(run)]), *run.problems):
                yield f"{shown(run.name, 80)}: {shown(problem)}"
        ends = {max(run.updates, default=-1) for run in group.runs}
        if len(ends) > 1:
            yield (
                f"{group.label}: its seeds end after {min(ends) + 1} to {max(ends) + 1} updates; "
                "its curves end with the first"
            )
