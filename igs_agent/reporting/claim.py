"""What the numbers allow one to claim, as sentences. They rather claim too little.

An interval that holds 0 claims nothing. One seed claims nothing about a method, whatever its
questions say: runs differ by their seeds more than by most methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from igs_agent.reporting.comparison import Comparison, Difference
from igs_agent.reporting.gain import Informativeness
from igs_agent.reporting.shown import interval, number, share
from igs_agent.statistics import Interval


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """One sentence or two about one question."""

    question: str
    """What a reader wants to know."""
    allowed: bool
    """The numbers allow to claim something."""
    text: str


def learning_claim(
    label: str,
    before: Sequence[float],
    after: Sequence[float],
    updates: int,
    *,
    change: Interval | None = None,
    over_seeds: Interval | None = None,
) -> Claim:
    """Did it learn: EM on the evaluation questions, before training and after `updates` of it.

    Args:
        label: of the group.
        before: one value per seed.
        after: likewise.
        updates: done at the later evaluation.
        change: of one run, over questions.
        over_seeds: of after − before; None with one seed.
    """
    question = f"Did {label} learn?"
    if not before or not updates:
        return Claim(
            question=question,
            allowed=False,
            text="Nothing can be said: it was not evaluated both before training and later.",
        )
    told = (
        f"exact match (EM) went from {number(_mean(before))} to {number(_mean(after))} after "
        f"{updates} updates"
    )
    if over_seeds is None:
        text = f"{_in_this_run(change)}{told}. {_one_seed(change, 'this run')}"
        return Claim(question=question, allowed=False, text=f"{text[0].upper()}{text[1:]}")
    about = f"difference {interval(over_seeds, sign=True)} over {over_seeds.n} seeds"
    if _holds_zero(over_seeds):
        return Claim(
            question=question,
            allowed=False,
            text=f"Nothing can be claimed: {told}, {about}, which may as well be 0.",
        )
    verb = "Yes" if over_seeds.low > 0 else "It got worse"
    return Claim(question=question, allowed=True, text=f"{verb}: {told}, {about}.")


def comparison_claim(found: Comparison, comparisons: int = 1) -> Claim:
    """Whether the second group is better than the first, by EM.

    Args:
        found: with intervals that were widened for that many comparisons.
        comparisons: made on this page.
    """
    question = f"Is {found.second} better than {found.first}?"
    score = next((each for each in found.differences if each.score == "exact_match"), None)
    if score is None:
        return Claim(question=question, allowed=False, text="Nothing can be said: EM is missing.")
    told = (
        f"after {found.update} updates exact match (EM) is {number(score.second)} against "
        f"{number(score.first)}"
    )
    if score.by_seed is None:
        text = f"{told[0].upper()}{told[1:]}. {_one_seed(score.by_question, 'these two runs')}"
        return Claim(question=question, allowed=False, text=text)
    return _compared(question, told, found, score, score.by_seed, comparisons)


def _compared(
    question: str,
    told: str,
    found: Comparison,
    score: Difference,
    by_seed: Interval,
    comparisons: int,
) -> Claim:
    widened = f", widened for {comparisons} comparisons" if comparisons > 1 else ""
    about = f"paired difference {interval(by_seed, sign=True)} over {by_seed.n} seeds{widened}"
    if _holds_zero(by_seed):
        text = f"Nothing can be claimed: {told}, {about}, which may as well be 0."
        return Claim(question=question, allowed=False, text=text)
    if score.by_question is not None and _holds_zero(score.by_question):
        text = (
            f"Nothing can be claimed: {told}, {about}; but over questions it is "
            f"{interval(score.by_question, sign=True)}, which may as well be 0: others could "
            "turn it."
        )
        return Claim(question=question, allowed=False, text=text)
    verb = "Yes, on these questions" if by_seed.low > 0 else "It is worse, on these questions"
    why = (
        f" They differ in {len(found.settings)} settings, so this is not about one of them."
        if len(found.settings) > 1
        else ""
    )
    return Claim(question=question, allowed=True, text=f"{verb}: {told}, {about}.{why}")


def gain_claim(
    label: str, found: Informativeness | None, earlier: Informativeness | None = None
) -> Claim:
    """Was the gain informative.

    Args:
        label: of the group.
        found: of searches that brought the last gold document, which mostly holds the answer.
        earlier: of those that brought an earlier one, in questions of several hops.
    """
    question = f"Was the gain of {label} informative?"
    if found is None:
        text = (
            "Nothing can be said: no gain was measured, or too few searches with and without a "
            "gold document are on record."
        )
        return Claim(question=question, allowed=False, text=text)
    over = f"{found.seeds} seeds" if found.seeds > 1 else f"{found.auc.n} questions of this run"
    told = (
        f"a search that brought the last gold document had a larger gain than one that brought "
        f"none with probability {interval(found.auc)} over {over} ({found.useful:,} "
        f"and {found.useless:,} searches; chance is .5)"
    )
    if earlier is not None:
        chance = ", no better than chance" if earlier.auc.low <= 0.5 <= earlier.auc.high else ""
        told += f"; one that brought an earlier gold document, with {interval(earlier.auc)}{chance}"
    if found.auc.low <= 0.5 <= found.auc.high:
        return Claim(question=question, allowed=False, text=f"Nothing can be claimed: {told}.")
    if found.auc.high < 0.5:
        return Claim(question=question, allowed=True, text=f"It misled: {told}.")
    if found.seeds == 1:
        text = f"In this run it was: {told}. One seed says nothing about another training."
        return Claim(question=question, allowed=False, text=text)
    return Claim(question=question, allowed=True, text=f"Yes: {told}.")


def cost_claim(label: str, hours: float, time: float | None, tokens: float | None) -> Claim:
    """What did it cost. Counted, not estimated."""
    question = f"What did {label} cost?"
    if not hours:
        return Claim(question=question, allowed=False, text="Not known: no time was recorded.")
    parts = [f"{_clock(hours)} in all"]
    if time and tokens:
        parts.append(f"measuring the gain took {share(time)} of the training time")
    if tokens:
        parts.append(f"{share(tokens)} of the tokens through the model")
    if not tokens:
        parts.append("no gain was measured")
    return Claim(question=question, allowed=True, text=f"{', '.join(parts)}.")


def _in_this_run(change: Interval | None) -> str:
    """What a reader of one run wants to hear first, if its questions say so."""
    if change is None or _holds_zero(change):
        return ""
    return "this run did: " if change.low > 0 else "this run got worse: "


def _one_seed(change: Interval | None, what: str) -> str:
    about = "One seed: nothing can be claimed about the method."
    if change is None:
        return about
    told = (
        f"Over the {change.n} questions of {what} the difference is {interval(change, sign=True)}"
    )
    return f"{told}, which may as well be 0. {about}" if _holds_zero(change) else f"{told}. {about}"


def _holds_zero(found: Interval) -> bool:
    """NaN holds everything."""
    return not (found.low > 0 or found.high < 0)


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _clock(hours: float) -> str:
    minutes = 60 * hours
    return f"{hours:.1f} hours" if minutes >= 90 else f"{minutes:.1f} minutes"
