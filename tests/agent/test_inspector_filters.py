"""Each named filter holds for the episodes that its name says, and for no others."""

from __future__ import annotations

from typing import Any

import pytest
from synthetic_episodes import answer, episode, many, measured, step

from igs_agent.inspector.filters import FILTERS, filter_bits
from igs_agent.inspector.index import index_page
from igs_agent.inspector.rows import read_row
from igs_agent.inspector.summary import Summary, summarise

WRONG: dict[str, Any] = {"exact_match": 0.0, "f1": 0.0, "reward": 0.0}


def summary(*steps: dict[str, Any], **changes: Any) -> Summary:
    return summarise(read_row(episode(*steps, **changes)))


def names(found: Summary, *others: Summary) -> set[str]:
    """Filters that hold for an episode among others of its group."""
    bits = filter_bits(found, [found, *others])
    return {name for bit, name in enumerate(FILTERS) if bits >> bit & 1}


def test_a_right_answer_after_a_good_search() -> None:
    assert names(summary(measured(1.0), answer("Ann"))) == {"correct", "all_pass"}


def test_a_wrong_answer_after_a_good_search() -> None:
    found = summary(measured(1.0), answer("Bob"), **WRONG)
    assert names(found) == {"wrong", "gain_but_wrong", "gold_found_but_wrong", "all_fail"}


def test_a_right_answer_after_a_harmful_search() -> None:
    found = summary(measured(0.5), measured(-1.0), answer("Ann"), recall=0.5)
    assert names(found) == {"correct", "loss_but_correct", "all_pass"}


def test_a_wrong_answer_after_a_harmful_search_is_neither() -> None:
    found = names(summary(measured(-1.0), answer("Bob"), **WRONG))
    assert not found & {"gain_but_wrong", "loss_but_correct"}


def test_an_episode_without_an_answer_is_truncated_and_not_wrong() -> None:
    found = summary(measured(-1.0), truncated=True, recall=0.0, **WRONG)
    assert names(found) == {"truncated", "gold_missed", "all_fail"}


def test_a_failed_retrieval_is_nobodys_mistake() -> None:
    broken = step(retrieval_failed=True, searched=False, documents=[])
    failed = summary(broken, truncated=True, retrieval_failed=True, recall=None, **WRONG)
    assert names(failed) == {"retrieval_failed", "no_valid_search"}
    right = summary(measured(1.0), answer("Ann"))
    assert "all_pass" in names(right, failed)
    assert "all_pass" in names(failed, right)


def test_no_search_and_no_valid_action() -> None:
    empty = {"searched": False, "documents": [], "observation": "reminder"}
    found = summary(step(action="invalid", text="no tag", **empty), answer("Ann"), recall=0.0)
    assert names(found) == {"no_valid_search", "invalid_action", "gold_missed", "correct"} | {
        "all_pass"
    }


def test_a_search_that_was_not_carried_out_is_no_valid_search() -> None:
    assert "no_valid_search" in names(summary(step(searched=False, documents=[])))


def test_a_full_context() -> None:
    assert "overflowed" in names(summary(truncated=True, overflowed=True, **WRONG))


@pytest.mark.parametrize(
    ("gain", "stderr", "unclear"), [(0.2, 0.1, False), (0.19, 0.1, True), (-0.2, 0.11, True)]
)
def test_a_gain_below_two_standard_errors_is_unclear(
    gain: float, stderr: float, unclear: bool
) -> None:
    assert ("unclear_gain" in names(summary(measured(gain, stderr), answer("Ann")))) == unclear


def test_an_answer_in_a_counterfactual_document() -> None:
    found = summary({**measured(1.0), "answer_in_counterfactual": True}, answer("Ann"))
    assert "answer_in_counterfactual" in names(found)


def test_a_group_is_all_fail_all_pass_or_mixed() -> None:
    right, wrong = summary(answer("Ann")), summary(answer("Bob"), **WRONG)
    groups = {"all_fail", "all_pass", "mixed"}
    assert names(wrong, wrong) & groups == {"all_fail"}
    assert names(right, right) & groups == {"all_pass"}
    assert names(right, wrong) & groups == {"mixed"}


def test_every_filter_says_what_it_means() -> None:
    assert all(len(each.meaning) > 10 and each.label for each in FILTERS.values())
    assert len({each.label for each in FILTERS.values()}) == len(FILTERS) < 31  # bits of a number


def test_the_list_tells_the_filters_of_every_episode() -> None:
    summaries = [summarise(read_row(row)) for row in many(64)]
    bits = index_page(summaries, 0, 64)["columns"]["bits"]
    groups = [summaries[start : start + 8] for start in range(0, 64, 8)]
    for place, name in enumerate(FILTERS):
        expected = [FILTERS[name].holds(each, group) for group in groups for each in group]
        assert [bool(value >> place & 1) for value in bits] == expected, name
