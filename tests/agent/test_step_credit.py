"""Step-level estimators: arithmetic, and what must hold for every table of ragged rollouts."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from igs_agent.batch import Credit, StepTable
from igs_agent.credit import ESTIMATORS, make_estimator, signals_of
from igs_agent.credit.example import table
from igs_agent.credit.placebo import permuted

STEPS = 3
FEW = settings(max_examples=25, deadline=None)
COLUMNS = (
    "gain",
    "answer_log_prob",
    "found_gold",
    "relay",
    "answer_in_documents",
    "document_value",
    "document_belief",
    "document_outcome",
)


@st.composite
def tables(draw: st.DrawFn) -> StepTable:
    """Ragged rollouts of two questions with every signal, half of it missing at random."""
    rollouts = draw(st.integers(2, 6))
    numbers = st.floats(-3, 3, allow_nan=False).map(lambda value: round(value, 2))
    row = st.lists(st.one_of(st.none(), numbers), min_size=STEPS, max_size=STEPS)
    rows = st.lists(row, min_size=rollouts, max_size=rollouts)
    small = st.lists(st.integers(0, 5), min_size=STEPS, max_size=STEPS)
    each = st.lists(small, min_size=rollouts, max_size=rollouts)
    return table(
        outcome=draw(st.lists(numbers, min_size=rollouts, max_size=rollouts)),
        group=[index % 2 for index in range(rollouts)],
        steps=draw(st.lists(st.integers(1, STEPS), min_size=rollouts, max_size=rollouts)),
        outcome_valid=draw(st.lists(st.booleans(), min_size=rollouts, max_size=rollouts)),
        observation=draw(each),
        query_length=draw(each),
        **{name: draw(rows) for name in COLUMNS},
    )


def assert_same(found: Credit, expected: Credit) -> None:
    torch.testing.assert_close(found.step, expected.step, atol=1e-9, rtol=1e-9)
    torch.testing.assert_close(found.query, expected.query, atol=1e-9, rtol=1e-9)


@pytest.mark.parametrize("name", ESTIMATORS)
@FEW
@given(rewards=tables())
def test_what_is_not_there_or_does_not_count_gets_exactly_nothing(
    name: str, rewards: StepTable
) -> None:
    credit = make_estimator(name)(rewards)
    for part in (credit.step, credit.query):
        assert torch.isfinite(part).all()
        assert not part[~rewards.counted].any()
    assert not credit.query[rewards.query_length == 0].any()


@pytest.mark.parametrize("name", ESTIMATORS)
@FEW
@given(rewards=tables())
def test_padding_with_steps_that_do_not_exist_changes_nothing(
    name: str, rewards: StepTable
) -> None:
    def wider(values: torch.Tensor) -> torch.Tensor:
        return torch.cat([values, torch.zeros_like(values[:, :1])], dim=1)

    padded = replace(
        rewards,
        valid=wider(rewards.valid),
        query_length=wider(rewards.query_length),
        observation=wider(rewards.observation),
        signals={
            key: replace(signal, values=wider(signal.values), valid=wider(signal.valid))
            for key, signal in rewards.signals.items()
        },
    )
    before, after = make_estimator(name)(rewards), make_estimator(name)(padded)
    assert_same(Credit(step=after.step[:, :-1], query=after.query[:, :-1]), before)


@pytest.mark.parametrize("name", ESTIMATORS)
@FEW
@given(rewards=tables(), noise=st.integers(1, 9))
def test_a_rollout_that_does_not_count_changes_nothing_for_the_others(
    name: str, rewards: StepTable, noise: int
) -> None:
    out = ~rewards.outcome_valid
    changed = replace(
        rewards,
        outcome=torch.where(out, rewards.outcome + noise, rewards.outcome),
        signals={
            key: replace(signal, values=signal.values + noise * (signal.valid & out[:, None]))
            for key, signal in rewards.signals.items()
        },
    )
    assert_same(make_estimator(name)(changed), make_estimator(name)(rewards))


@pytest.mark.parametrize("name", ESTIMATORS)
@FEW
@given(rewards=tables(), data=st.data())
def test_the_order_of_ragged_rollouts_does_not_matter(
    name: str, rewards: StepTable, data: st.DataObject
) -> None:
    if name == "placebo":
        return  # its draw follows from the values in their order
    order = data.draw(st.permutations(range(len(rewards.group))))
    shuffled = replace(
        rewards,
        **{
            key: getattr(rewards, key)[order]
            for key in ("group", "outcome", "outcome_valid", "valid", "attempt", "parent")
        },
        query_length=rewards.query_length[order],
        observation=rewards.observation[order],
        signals={
            key: replace(signal, values=signal.values[order], valid=signal.valid[order])
            for key, signal in rewards.signals.items()
        },
    )
    before, after = make_estimator(name)(rewards), make_estimator(name)(shuffled)
    assert_same(after, Credit(step=before.step[order], query=before.query[order]))


@pytest.mark.parametrize("name", ["gigpo", "igpo", "mt_grpo"])
@FEW
@given(rewards=tables(), scale=st.sampled_from([0.5, 4.0]), shift=st.sampled_from([-1.0, 2.0]))
def test_z_scores_forget_unit_and_origin_of_what_they_compare(
    name: str, rewards: StepTable, scale: float, shift: float
) -> None:
    # GiGPO's discounted returns and MT-GRPO's sums forget the unit only.
    moved = {"gigpo": 0.0, "igpo": shift, "mt_grpo": 0.0}[name]
    changed = replace(
        rewards,
        outcome=rewards.outcome * scale + moved,
        signals={
            key: replace(signal, values=(signal.values * scale + moved) * signal.valid)
            for key, signal in rewards.signals.items()
        },
    )
    options = {"epsilon": 1e-12}
    before, after = (make_estimator(name, options)(rows) for rows in (rewards, changed))
    # IGPO's published code has 1e-8 under its root.
    torch.testing.assert_close(after.step, before.step, atol=1e-3, rtol=1e-3)


def test_gigpo_compares_steps_within_a_question_only() -> None:
    credit = make_estimator("gigpo", {"scale": "none"})(
        table(outcome=[1, 0, 3, 1], group=[0, 0, 1, 1], observation=[[7], [7], [7], [7]])
    )
    assert credit.step[:, 0].tolist() == [2 * 0.5, 2 * -0.5, 2 * 1.0, 2 * -1.0]


def test_gigpos_baselines_weigh_long_rollouts_differently() -> None:
    rollouts = table(outcome=[1, 0], group=[0, 0], steps=[3, 1])
    even = make_estimator("gigpo", {"scale": "none"})(rollouts)
    long = make_estimator("gigpo", {"scale": "none", "baseline": "steps"})(rollouts)
    assert even.step[:, 0].tolist() == [1 - 1 / 2, 0 - 1 / 2]
    assert long.step[:, 0].tolist() == [1 - 3 / 4, 0 - 3 / 4]


def test_igpo_adds_up_differences_and_the_outcome() -> None:
    values = [[-3.0, -1.0, -2.0], [-3.0, -3.0, None]]
    rollouts = table(outcome=[1, 0], group=[0, 0], answer_log_prob=values, steps=[3, 2])
    found = make_estimator("igpo")(rollouts).step
    differences = [2.0, -1.0, 0.0]
    mean = sum(differences) / 3
    spread = math.sqrt(sum((d - mean) ** 2 for d in differences) / 3)
    z = [(d - mean) / spread for d in differences]
    assert found[0].tolist() == pytest.approx([z[0] + z[1] + 1, z[1] + 1, 1], abs=1e-4)
    assert found[1].tolist() == pytest.approx([z[2] - 1, -1, 0], abs=1e-4)


def test_t7_a_difference_of_exactly_zero_is_a_turn_like_any_other() -> None:
    def credit(middle: float) -> torch.Tensor:
        values = [[-3.0, -3.0 + middle], [-3.0, -1.0]]
        rollouts = table(outcome=[1, 0], group=[0, 0], answer_log_prob=values)
        return make_estimator("igpo")(rollouts).step

    torch.testing.assert_close(credit(0.0), credit(1e-9), atol=1e-6, rtol=0)
    # z of {0, 2} is ∓1: the step with no difference is blamed for it, not skipped.
    assert credit(0.0)[0].tolist() == pytest.approx([-1 + 1, 1], abs=1e-4)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gigpo", {}),
        ("gigpo", {"baseline": "steps"}),
        ("igpo", {}),
        ("igpo", {"normalise": "joint"}),
        ("mt_grpo", {}),
    ],
)
def test_t8_float_noise_in_a_constant_group_is_no_signal(
    name: str, options: dict[str, Any]
) -> None:
    noise = [0.1 + 0.2, 0.3, 0.3 + 1e-16]
    rollouts = table(
        outcome=noise,
        group=[0, 0, 0],
        observation=[[0, 1]] * 3,
        # Differences as large as the outcomes, up to noise, so that a joint z-score sees none.
        answer_log_prob=[[-1.0, -1.0 + value] for value in noise],
        answer_in_documents=[[value, 0.0] for value in noise],
    )
    step = make_estimator(name, options)(rollouts).step
    expected = torch.zeros_like(step)
    torch.testing.assert_close(step, expected, atol=0, rtol=0)


def test_mt_grpo_rewards_the_first_search_up_to_its_query() -> None:
    rollouts = table(
        outcome=[0, 0, 0],
        group=[0, 0, 0],
        # An invalid step before the first search; a second search; no search at all.
        query_length=[[0, 4, 4], [4, 4, 0], [0, 0, 0]],
        answer_in_documents=[[None, 1.0, 1.0], [0.0, 1.0, None], [None, None, None]],
    )
    step = make_estimator("mt_grpo")(rollouts).step
    z = (2 / 3) / (math.sqrt(1 / 3) + 1e-4)
    assert step[0].tolist() == pytest.approx([z, z, 0])
    assert step[1].tolist() == pytest.approx([-z / 2, 0, 0])
    # Never searched: the z-score of outcome plus turn reward, on every token.
    assert step[2].tolist() == pytest.approx([-z / 2] * 3)


def test_the_oracle_adds_the_truth_per_query_token() -> None:
    found = [[1.0, 0.0], [None, 1.0]]
    rollouts = table(outcome=[1, 0], group=[0, 0], found_gold=found, query_length=[[2, 3], [4, 5]])
    credit = make_estimator("oracle", {"alpha": 1.0})(rollouts)
    assert credit.query.tolist() == [[1 / 2, 0.0], [0.0, 1 / 5]]
    assert_same(
        Credit(step=credit.step, query=torch.zeros_like(credit.query)),
        make_estimator("grpo")(rollouts),
    )


@FEW
@given(rewards=tables(), seed=st.integers(0, 3))
def test_the_placebo_has_the_same_gains_elsewhere(rewards: StepTable, seed: int) -> None:
    gain = rewards.signal("gain")
    drawn = permuted(gain, rewards.counted, seed)
    assert torch.equal(drawn.valid, gain.valid)
    used = gain.valid & rewards.counted
    assert torch.equal(drawn.values[used].sort().values, gain.values[used].sort().values)
    assert torch.equal(drawn.values[~used], gain.values[~used])
    again = make_estimator("placebo", {"seed": seed})(rewards)
    assert_same(again, make_estimator("placebo", {"seed": seed})(rewards))
    assert torch.equal(again.step, make_estimator("grpo")(rewards).step)


def test_the_placebo_moves_most_gains_and_seeds_differ() -> None:
    gains = [[float(row * 10 + step) for step in range(10)] for row in range(10)]
    rewards = table(outcome=[0.0] * 10, group=[0] * 10, gain=gains)
    gain = rewards.signal("gain")
    drawn = [permuted(gain, rewards.counted, seed).values for seed in range(3)]
    for values in drawn:
        assert float((values == gain.values).double().mean()) < 0.1
    assert not torch.equal(drawn[0], drawn[1])
    # Other gains are permuted otherwise, though the seed is the same.
    moved = permuted(replace(gain, values=gain.values + 1), rewards.counted, 0).values - 1
    assert not torch.equal(moved, drawn[0])


def test_query_only_is_grpo_moved_to_queries() -> None:
    rewards = table(outcome=[1, 0], group=[0, 0], steps=[2, 2], query_length=[[3, 0], [5, 2]])
    credit, grpo = make_estimator("query_only")(rewards), make_estimator("grpo")(rewards)
    assert not credit.step.any()
    assert torch.equal(credit.query, torch.where(rewards.query_length > 0, grpo.step, 0.0))


def test_every_search_is_ig_search_with_one_nat_for_every_gain() -> None:
    rows = {"outcome": [1, 0], "group": [0, 0], "query_length": [[3, 0], [5, 2]]}
    credit = make_estimator("every_search")(table(**rows, steps=[2, 2]))
    nats = make_estimator("ig_search")(table(**rows, steps=[2, 2], gain=[[1.0, None], [1.0, 1.0]]))
    assert torch.equal(credit.step, nats.step)
    torch.testing.assert_close(credit.query, nats.query)
    assert credit.query.tolist()[0][1] == 0 != credit.query.tolist()[1][1]


def test_an_estimator_asks_for_the_signals_that_it_reads() -> None:
    asked = {name: signals_of(make_estimator(name)) for name in ESTIMATORS}
    assert {name: signals for name, signals in asked.items() if signals} == {
        "chained_gain": ("gain", "transfer"),
        "ig_search": ("gain",),
        "placebo": ("gain",),
        "document_belief": ("document_belief", "gain"),
        "document_outcome": ("document_outcome",),
        "document_value": ("document_value", "gain"),
        "igpo": ("answer_log_prob",),
        "mt_grpo": ("answer_in_documents",),
        "oracle": ("found_gold",),
        "relayed_gain": ("gain", "relay"),
    }
    rewards = replace(table(outcome=[1, 0], group=[0, 0]), signals={})
    for name, signals in asked.items():
        if signals:
            with pytest.raises(ValueError, match=f"needs the signal '{signals[0]}'"):
                make_estimator(name)(rewards)
        else:
            assert make_estimator(name)(rewards).step.shape == (2, 1)


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("gigpo", {"scale": "range"}),
        ("gigpo", {"baseline": "tokens"}),
        ("igpo", {"normalise": "both"}),
        ("igpo", {"difference": "logit"}),
    ],
)
def test_settings_without_meaning_are_refused(name: str, options: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=f"got .*{next(iter(options.values()))}"):
        make_estimator(name, options)


def only_the_first_step(rewards: StepTable) -> Credit:
    """A user's estimator: the outcome, on the first step."""
    step = torch.zeros_like(rewards.signal("gain").values)
    step[:, 0] = rewards.outcome
    return Credit(step=step, query=torch.zeros_like(step))


def test_a_users_function_is_an_estimator_as_an_object_or_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rewards = table(outcome=[1, 2], group=[0, 0], steps=[2, 2])
    assert make_estimator(only_the_first_step)(rewards).step.tolist() == [[1.0, 0.0], [2.0, 0.0]]
    example = Path(__file__).parents[2] / "examples" / "06_own_estimator.py"
    assert len(example.read_text().splitlines()) <= 25
    monkeypatch.syspath_prepend(str(example.parent))
    named = make_estimator("06_own_estimator:centred")
    assert signals_of(named) == ("gain",)
    gains = table(outcome=[1, 1], group=[0, 0], gain=[[1.0], [3.0]])
    assert named(gains).query.tolist() == [[0.3 * -1.0], [0.3 * 1.0]]
    with pytest.raises(ValueError, match="plain function and takes no options"):
        make_estimator(only_the_first_step, {"alpha": 1})
