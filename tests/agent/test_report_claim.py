"""The generated sentences: on made-up numbers they claim what the numbers allow, and no more."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from synthetic_runs import answers, make_run

from igs_agent.reporting.claim import (
    Claim,
    comparison_claim,
    cost_claim,
    gain_claim,
    learning_claim,
)
from igs_agent.reporting.comparison import Comparison, Difference
from igs_agent.reporting.gain import Informativeness
from igs_agent.reporting.groups import group_runs
from igs_agent.reporting.load import read_run
from igs_agent.reporting.overview import claims
from igs_agent.statistics import Interval, seed_interval


def between(low: float, high: float, n: int = 10) -> Interval:
    return Interval(mean=(low + high) / 2, low=low, high=high, n=n)


def comparison(
    by_seed: Interval | None,
    by_question: Interval | None = None,
    settings: tuple[str, ...] = ("credit.name",),
) -> Comparison:
    score = Difference(
        score="exact_match", first=0.4, second=0.5, by_seed=by_seed, by_question=by_question
    )
    return Comparison(
        first="grpo",
        second="mine",
        update=100,
        seeds=("0", "1"),
        settings=settings,
        differences=(score,),
    )


def test_an_interval_above_0_over_seeds_and_questions_is_claimed() -> None:
    claim = comparison_claim(comparison(between(0.02, 0.18), between(0.04, 0.16, 200)))
    assert claim.allowed
    assert claim.question == "Is mine better than grpo?"
    assert claim.text == (
        "Yes, on these questions: after 100 updates exact match (EM) is 0.500 against "
        "0.400, paired difference +0.100 [+0.020, +0.180] over 10 seeds."
    )


def test_an_interval_below_0_is_claimed_as_worse() -> None:
    claim = comparison_claim(comparison(between(-0.18, -0.02)))
    assert claim.allowed
    assert claim.text.startswith("It is worse, on these questions: ")


@pytest.mark.parametrize(
    "interval", [between(-0.01, 0.2), between(-0.2, 0.01), between(0.0, 0.2), between(-0.2, 0.0)]
)
def test_an_interval_that_holds_0_claims_nothing(interval: Interval) -> None:
    for claim in (
        comparison_claim(comparison(interval)),
        comparison_claim(comparison(between(0.02, 0.18), interval)),
        learning_claim("a", [0.4, 0.4], [0.5, 0.5], 100, over_seeds=interval),
    ):
        assert not claim.allowed
        assert claim.text.startswith("Nothing can be claimed: ")
        assert "may as well be 0" in claim.text


def test_an_interval_that_is_not_a_number_claims_nothing() -> None:
    unknown = Interval(mean=math.nan, low=math.nan, high=math.nan, n=3)
    assert not comparison_claim(comparison(unknown)).allowed
    assert not learning_claim("a", [0.4], [0.5], 9, over_seeds=unknown).allowed


def test_one_seed_claims_nothing_however_clear_its_questions_are() -> None:
    clear = between(0.2, 0.3, 200)
    for claim in (
        comparison_claim(comparison(None, clear)),
        learning_claim("a", [0.2], [0.45], 100, change=clear),
    ):
        assert not claim.allowed
        assert "One seed: nothing can be claimed about the method." in claim.text
        assert "+0.250 [+0.200, +0.300]" in claim.text


def test_one_seed_whose_interval_holds_0_says_so() -> None:
    claim = learning_claim("a", [0.2], [0.21], 100, change=between(-0.1, 0.12, 200))
    assert not claim.allowed
    assert "may as well be 0. One seed: " in claim.text


def test_one_run_s_own_change_is_told_before_the_warning() -> None:
    rose = learning_claim("a", [0.2], [0.45], 9, change=between(0.2, 0.3, 200)).text
    fell = learning_claim("a", [0.45], [0.2], 9, change=between(-0.3, -0.2, 200)).text
    same = learning_claim("a", [0.2], [0.21], 9, change=between(-0.1, 0.12, 200)).text
    assert rose.startswith("This run did: exact match (EM) went from 0.200 to 0.450")
    assert fell.startswith("This run got worse: exact match")
    assert same.startswith("Exact match (EM) went from 0.200 to 0.210")


def test_several_settings_that_differ_are_not_put_down_to_one() -> None:
    claim = comparison_claim(comparison(between(0.1, 0.2), settings=("credit.name", "updates")))
    assert claim.text.endswith("They differ in 2 settings, so this is not about one of them.")


def test_several_comparisons_are_said_to_have_widened_the_interval() -> None:
    assert ", widened for 3 comparisons" in comparison_claim(comparison(between(0.1, 0.2)), 3).text


def test_learning_is_claimed_over_seeds_in_either_direction() -> None:
    rises = [0.2, 0.3, 0.25]
    claim = learning_claim("a", [0.1] * 3, [0.3, 0.4, 0.35], 50, over_seeds=seed_interval(rises))
    assert claim.allowed
    assert claim.text.startswith("Yes: exact match (EM) went from 0.100 to 0.350 after 50 updates")
    worse = learning_claim("a", [0.4] * 2, [0.3] * 2, 50, over_seeds=between(-0.15, -0.05))
    assert worse.allowed
    assert worse.text.startswith("It got worse: ")


def test_a_run_that_was_not_evaluated_twice_claims_nothing_about_learning() -> None:
    claim = learning_claim("a", [], [], 0)
    assert not claim.allowed
    assert "not evaluated both before training and later" in claim.text


def informativeness(low: float, high: float, seeds: int) -> Informativeness:
    n = seeds if seeds > 1 else 80
    return Informativeness(auc=between(low, high, n), seeds=seeds, useful=400, useless=300)


@pytest.mark.parametrize(
    ("found", "allowed", "begin"),
    [
        (informativeness(0.7, 0.8, 5), True, "Yes: "),
        (informativeness(0.2, 0.3, 5), True, "It misled: "),
        (informativeness(0.4, 0.6, 5), False, "Nothing can be claimed: "),
        (informativeness(0.7, 0.8, 1), False, "In this run it was: "),
        (informativeness(0.4, 0.6, 1), False, "Nothing can be claimed: "),
        (None, False, "Nothing can be said: "),
    ],
)
def test_a_gain_is_informative_if_its_interval_leaves_chance_out(
    found: Informativeness | None, allowed: bool, begin: str
) -> None:
    claim = gain_claim("a", found)
    assert claim.allowed is allowed
    assert claim.text.startswith(begin)


def test_searches_on_the_way_to_the_answer_are_told_apart_from_the_one_that_finds_it() -> None:
    last, earlier = informativeness(0.9, 0.98, 5), informativeness(0.45, 0.55, 5)
    claim = gain_claim("a", last, earlier)
    assert claim.allowed
    assert claim.text.endswith(
        "one that brought an earlier gold document, with 0.500 [0.450, 0.550], no better than "
        "chance."
    )


def test_costs_are_told_with_the_part_of_the_gain() -> None:
    told = cost_claim("a", 0.5, 0.25, 0.6).text
    assert told == (
        "30.0 minutes in all, measuring the gain took 25.0 % of the training time, 60.0 % of the "
        "tokens through the model."
    )
    assert cost_claim("a", 2.0, None, None).text == "2.0 hours in all, no gain was measured."
    assert not cost_claim("a", 0.0, None, None).allowed


def claims_of(folders: list[Path]) -> dict[str, Claim]:
    groups, _ = group_runs([read_run(folder) for folder in folders])
    return {claim.question: claim for claim in claims(groups)}


def test_runs_with_a_clear_difference_are_claimed_to_differ(tmp_path: Path) -> None:
    """EM .5 against .75 on every seed, give or take a question."""
    folders = [
        make_run(
            tmp_path / f"{credit}-{seed}",
            seed=seed,
            credit=credit,
            last=answers(right + seed % 2 * better),
        )
        for credit, right, better in (("grpo", 20, 0), ("mine", 30, 1))
        for seed in range(4)
    ]
    told = claims_of(folders)
    found = told["Is mine better than grpo?"]
    assert found.allowed, found.text
    assert found.text.startswith(
        "Yes, on these questions: after 4 updates exact match (EM) is 0.762 against 0.5"
    )
    assert told["Did grpo learn?"].allowed
    assert told["Was the gain of mine informative?"].allowed


def test_runs_whose_seeds_disagree_claim_nothing(tmp_path: Path) -> None:
    folders = [
        make_run(tmp_path / f"{credit}-{seed}", seed=seed, credit=credit, last=answers(right))
        for credit, rights in (("grpo", (20, 24, 22)), ("mine", (26, 18, 25)))
        for seed, right in enumerate(rights)
    ]
    found = claims_of(folders)["Is mine better than grpo?"]
    assert not found.allowed
    assert found.text.startswith("Nothing can be claimed: ")


def test_the_same_seed_twice_is_one_seed(tmp_path: Path) -> None:
    folders = [make_run(tmp_path / name) for name in ("a", "b")]
    _, left_out = group_runs([read_run(folder) for folder in folders])
    assert left_out == ["b has the settings and the seed of a and was left out"]
    assert "One seed" in claims_of(folders)["Did grpo learn?"].text


def test_groups_without_a_common_seed_are_not_paired(tmp_path: Path) -> None:
    first = make_run(tmp_path / "a-0", seed=0)
    second = make_run(tmp_path / "b-1", seed=1, credit="mine")
    found = claims_of([first, second])["Is mine better than grpo?"]
    assert not found.allowed
    assert found.text == "grpo and mine have no seed in common, so nothing can be paired."
