"""Named filters: what makes an episode worth a look, each a pure predicate.

The page gets, per episode, one number whose bits are these predicates in their order, so that
what a name means is said here and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from igs_agent.inspector.summary import Summary

Holds = Callable[[Summary, Sequence[Summary]], bool]
"""Whether it holds for an episode, given all rollouts of its group, itself included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """One filter."""

    label: str
    family: str
    """Heading under which the page shows it."""
    meaning: str
    """One line for whoever does not know."""
    holds: Holds


def correct(episode: Summary, group: Sequence[Summary]) -> bool:
    """Answered, and the answer is a gold one."""
    return episode.exact_match == 1.0


def wrong(episode: Summary, group: Sequence[Summary]) -> bool:
    """Answered, and the answer is no gold one."""
    return episode.answer is not None and episode.exact_match == 0.0


def truncated(episode: Summary, group: Sequence[Summary]) -> bool:
    """Ended without an answer, and not because of the retriever."""
    return episode.truncated and not episode.retrieval_failed


def retrieval_failed(episode: Summary, group: Sequence[Summary]) -> bool:
    """A search could not be carried out, which ended the episode."""
    return episode.retrieval_failed


def overflowed(episode: Summary, group: Sequence[Summary]) -> bool:
    """The context was full."""
    return episode.overflowed


def no_valid_search(episode: Summary, group: Sequence[Summary]) -> bool:
    """Nothing was searched."""
    return episode.searches == 0


def invalid_action(episode: Summary, group: Sequence[Summary]) -> bool:
    """Some output was neither a search nor an answer that could be used."""
    return episode.invalid > 0


def gold_missed(episode: Summary, group: Sequence[Summary]) -> bool:
    """Not one gold document was found."""
    return episode.recall == 0.0


def gold_found_but_wrong(episode: Summary, group: Sequence[Summary]) -> bool:
    """Every hop's gold document was found, and still no right answer came."""
    return episode.recall == 1.0 and not correct(episode, group)


def gain_but_wrong(episode: Summary, group: Sequence[Summary]) -> bool:
    """The searches made the gold answer likelier, and still no right answer came."""
    return episode.gain is not None and episode.gain > 0 and not correct(episode, group)


def loss_but_correct(episode: Summary, group: Sequence[Summary]) -> bool:
    """The searches made the gold answer less likely, and it was given."""
    return episode.gain is not None and episode.gain < 0 and correct(episode, group)


def unclear_gain(episode: Summary, group: Sequence[Summary]) -> bool:
    """Some gain could as well be 0."""
    return episode.gain_unclear


def answer_in_counterfactual(episode: Summary, group: Sequence[Summary]) -> bool:
    """A drawn document holds a gold answer."""
    return episode.answer_in_counterfactual


def all_fail(episode: Summary, group: Sequence[Summary]) -> bool:
    """All rewards of the group are equal and not above 0."""
    rewards = _rewards(group)
    return len(rewards) == 1 and max(rewards) <= 0


def all_pass(episode: Summary, group: Sequence[Summary]) -> bool:
    """All rewards of the group are equal and above 0."""
    rewards = _rewards(group)
    return len(rewards) == 1 and max(rewards) > 0


def mixed(episode: Summary, group: Sequence[Summary]) -> bool:
    """The group's rewards differ."""
    return len(_rewards(group)) > 1


def _rewards(group: Sequence[Summary]) -> set[float]:
    """Those that count: a failed retrieval says nothing about the policy."""
    return {e.reward for e in group if e.reward is not None and not e.retrieval_failed}


def _filter(family: str, label: str, holds: Holds) -> Filter:
    meaning = (holds.__doc__ or "").strip()
    return Filter(label=label, family=family, meaning=meaning, holds=holds)


FILTERS: dict[str, Filter] = {
    "correct": _filter("Outcome", "correct", correct),
    "wrong": _filter("Outcome", "wrong", wrong),
    "truncated": _filter("Outcome", "truncated", truncated),
    "retrieval_failed": _filter("Outcome", "retrieval failed", retrieval_failed),
    "overflowed": _filter("Outcome", "context full", overflowed),
    "no_valid_search": _filter("Search", "no valid search", no_valid_search),
    "invalid_action": _filter("Search", "invalid action", invalid_action),
    "gold_missed": _filter("Search", "gold missed", gold_missed),
    "gold_found_but_wrong": _filter("Search", "gold found but wrong", gold_found_but_wrong),
    "gain_but_wrong": _filter("Gain", "gain > 0 but wrong", gain_but_wrong),
    "loss_but_correct": _filter("Gain", "gain < 0 but correct", loss_but_correct),
    "unclear_gain": _filter("Gain", "gain within its error", unclear_gain),
    "answer_in_counterfactual": _filter(
        "Gain", "answer in counterfactual", answer_in_counterfactual
    ),
    "all_fail": _filter("Group", "all-fail group", all_fail),
    "all_pass": _filter("Group", "all-pass group", all_pass),
    "mixed": _filter("Group", "mixed group", mixed),
}
"""Name in links → filter, in the order of the bits."""


def filter_bits(episode: Summary, group: Sequence[Summary]) -> int:
    """Which filters hold: bit i for the i-th of `FILTERS`."""
    held = (each.holds(episode, group) for each in FILTERS.values())
    return sum(1 << bit for bit, holds in enumerate(held) if holds)
