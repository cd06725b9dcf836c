from __future__ import annotations

import itertools
import math
from dataclasses import replace

import numpy as np
import pytest
from scripted import (
    CORPUS,
    QUESTIONS,
    FixedRetriever,
    FunctionScorer,
    ListSampler,
    begun,
    by_last_document,
    document,
    live_task,
    searched_episode,
)

from igs_env.contexts import render_context, shown_fragments
from igs_env.counterfactual import CorpusSampler, EmptySampler, OtherQuestionsSampler
from igs_env.errors import ConfigurationError, IGSearchError
from igs_env.information_gain import (
    ALIASES,
    GainRequest,
    best_alias,
    first_alias,
    head_weighted_log_prob,
    logsumexp_alias,
    mean_log_prob,
    measure_information_gain,
)
from igs_env.scorers import StatisticalScorer
from igs_env.transition import advance
from igs_env.types import Episode, Fragment, InformationGain

REAL = document("real")
A, B, C = (Fragment(documents=(document(id),)) for id in "abc")
EPISODE = searched_episode([REAL])
TABLE = {"real": [-1.0, -2.0, -3.0], "a": [-4.0] * 3, "b": [-5.0, -5.0], "c": [-9.0]}


def gain(
    episode: Episode = EPISODE, step: int = 0, *, scorer=None, sampler=None, **options
) -> InformationGain | None:
    (measured,) = measure_information_gain(
        [GainRequest(episode=episode, step=step)],
        scorer or by_last_document(TABLE),
        sampler or ListSampler(A, B, C),
        **options,
    )
    return measured


def test_the_gain_is_real_minus_the_mean_over_draws_of_means_over_tokens() -> None:
    measured = gain()
    assert measured is not None
    assert measured.log_prob_real == (-1 - 2 - 3) / 3
    assert measured.log_probs_counterfactual == (-4.0, -5.0, -9.0)
    assert measured.log_prob_counterfactual == (-4 - 5 - 9) / 3
    assert measured.value == -2 - (-4 - 5 - 9) / 3 == 4.0
    assert measured.draws == 3
    assert measured.counterfactual_ids == (("a",), ("b",), ("c",))
    assert (measured.source, measured.scorer) == ("list", "function")


def test_the_standard_error_is_that_of_the_counterfactual_mean() -> None:
    measured = gain()
    assert measured is not None
    # Deviations from the mean of −6: 2, 1, −3.
    variance = (2**2 + 1**2 + 3**2) / (3 - 1)
    assert measured.stderr == pytest.approx(math.sqrt(variance / 3), rel=1e-15)


def test_one_draw_has_no_standard_error_and_says_so_with_zero() -> None:
    measured = gain(draws=1)
    assert measured is not None
    assert (measured.draws, measured.stderr) == (1, 0.0)
    assert measured.value == -2 - -4


def test_a_negative_gain_is_kept_as_it_is() -> None:
    measured = gain(
        scorer=by_last_document({"real": [-7.0], "a": [-1.0], "b": [-3.0], "c": [-2.0]})
    )
    assert measured is not None
    assert measured.value == -7 - (-1 - 3 - 2) / 3 == -5.0


@pytest.mark.parametrize("aliases", ALIASES)
def test_identical_documents_have_a_gain_of_exactly_zero(aliases: str) -> None:
    same = Fragment(documents=tuple(CORPUS[:3]))
    measured = gain(
        searched_episode(CORPUS[:3]),
        scorer=StatisticalScorer(CORPUS),
        sampler=ListSampler(same, same, same),
        aliases=aliases,
    )
    assert measured is not None
    assert (measured.value, measured.stderr) == (0.0, 0.0)


def test_t1_without_another_question_the_gain_is_absent_and_neither_zero_nor_nan() -> None:
    group = [replace(EPISODE, id=str(i), member=i) for i in range(5)]
    scorer = by_last_document(TABLE)
    assert gain(group[0], sampler=OtherQuestionsSampler(), scorer=scorer, batch=group) is None
    assert scorer.calls == []


def test_a_search_that_brought_no_document_has_no_gain() -> None:
    fruitless = searched_episode([])
    for sampler in (ListSampler(A), EmptySampler(), CorpusSampler(CORPUS, live_task().rules)):
        assert gain(fruitless, sampler=sampler) is None


def test_an_absent_gain_among_others_leaves_them_where_they_belong() -> None:
    other = searched_episode([document("a")], question=QUESTIONS[1], id="other")
    lone = searched_episode([], question=QUESTIONS[2], id="lone")
    episodes = [EPISODE, lone, other]
    measured = measure_information_gain(
        [GainRequest(episode=episode, step=0) for episode in episodes],
        by_last_document(TABLE),
        OtherQuestionsSampler(),
        batch=episodes,
    )
    assert [one.value if one else None for one in measured] == [-2 - -4.0, None, -4 - -2.0]


def test_all_contexts_of_all_requests_are_one_call_of_the_scorer() -> None:
    scorer = by_last_document(TABLE)
    requests = [GainRequest(episode=replace(EPISODE, id=str(i)), step=0) for i in range(4)]
    measure_information_gain(requests, scorer, ListSampler(A, B, C))
    assert [len(call) for call in scorer.calls] == [4 * (1 + 3)]


def test_gains_depend_neither_on_order_nor_on_batching() -> None:
    scorer, sampler = StatisticalScorer(CORPUS), CorpusSampler(CORPUS, live_task().rules)
    requests = [
        GainRequest(
            episode=searched_episode(CORPUS[i : i + 3], question=QUESTIONS[i], seed=seed), step=0
        )
        for i, seed in itertools.product(range(5), (1, 2))
    ]

    def measured(chosen):
        return measure_information_gain(chosen, scorer, sampler)

    together = measured(requests)
    assert together == [measured([request])[0] for request in requests]
    assert together == measured(requests[::-1])[::-1]
    assert len({one.counterfactual_ids for one in together if one}) == len(requests)


def test_members_of_a_group_share_their_counterfactuals() -> None:
    scorer, sampler = StatisticalScorer(CORPUS), CorpusSampler(CORPUS, live_task().rules)
    members = [searched_episode(CORPUS[:3], id=f"g/{i}", seed=7) for i in range(4)]
    stranger = searched_episode(CORPUS[:3], id="h/0", seed=8)
    requests = [GainRequest(episode=episode, step=0) for episode in [*members, stranger]]
    drawn = [g.counterfactual_ids for g in measure_information_gain(requests, scorer, sampler) if g]
    assert drawn[0] == drawn[1] == drawn[2] == drawn[3] != drawn[4]


def test_only_the_measured_steps_documents_are_replaced_and_later_steps_are_dropped() -> None:
    episode = searched_episode([CORPUS[0]], [CORPUS[1]], [CORPUS[2]])
    scorer = FunctionScorer(lambda request: [-1.0])
    gain(episode, 1, scorer=scorer, sampler=ListSampler(A), draws=1)
    shown = [[d.id for f in shown_fragments(r) for d in f.documents] for r in scorer.calls[0]]
    assert shown == [["d00", "d01"], ["d00", "a"]]
    first, second, _ = episode.steps
    real, other = (render_context(request) for request in scorer.calls[0])
    assert real == episode.prompt + first.output + first.observation + (
        second.output + second.observation
    )
    assert other == real.replace(
        second.observation, "\n<information>\nDoc 1 (Title: title) text\n</information>\n"
    )


def test_t3_real_and_counterfactual_contexts_share_everything_before_the_documents() -> None:
    task = live_task(max_document_length=20)
    (episode,) = advance(task.rules, [begun(task)], ["<search>film in Peru</search>"])
    scorer = FunctionScorer(lambda request: [-1.0])
    assert task.sampler is not None
    measure_information_gain([GainRequest(episode=episode, step=0)], scorer, task.sampler)
    contexts = [render_context(request) for request in scorer.calls[0]]
    kept = episode.prompt + episode.steps[0].output + "\n<information>\nDoc 1 (Title: "
    assert len(set(contexts)) == 1 + 3
    assert all(context.startswith(kept) for context in contexts)
    assert QUESTIONS[0].text in kept


def test_t11_the_real_context_is_what_the_policy_saw_after_truncation() -> None:
    long = document("long", "word " * 500 + "</information>")
    task = live_task(retriever=FixedRetriever([long]), max_document_length=50)
    (episode,) = advance(task.rules, [begun(task)], ["<think>x</think><search>y</search>tail"])
    scorer = FunctionScorer(lambda request: [-1.0])
    assert task.sampler is not None
    measure_information_gain([GainRequest(episode=episode, step=0)], scorer, task.sampler)
    real, *others = scorer.calls[0]
    assert render_context(real) == episode.transcript
    assert len(others) == 3
    for request in others:
        assert all(len(d.text) <= 50 for f in shown_fragments(request) for d in f.documents)


def test_t2_probe_target_and_end_are_given_apart_for_joint_tokenisation() -> None:
    scorer = FunctionScorer(lambda request: [-1.0])
    gain(scorer=scorer)
    for request in scorer.calls[0]:
        assert (request.probe, request.probe_end) == ("<answer> ", " </answer>")
        assert request.target == "Delta Reyes"
        assert not render_context(request).endswith(request.probe)


def by_alias(real: dict[str, float], other: dict[str, float]) -> FunctionScorer:
    return FunctionScorer(
        lambda request: [(other if request.replacements else real)[request.target]]
    )


TWO = replace(EPISODE, question=replace(QUESTIONS[0], answers=("first", "second")))
UNEQUAL = by_alias({"first": -3.0, "second": -1.0}, {"first": -4.0, "second": -4.5})


@pytest.mark.parametrize(
    ("aliases", "real", "other"),
    [
        ("first", -3.0, -4.0),
        ("best", -1.0, -4.5),
        (
            "logsumexp",
            math.log(math.exp(-3.0) + math.exp(-1.0)),
            math.log(math.exp(-4.0) + math.exp(-4.5)),
        ),
    ],
)
def test_t9_which_aliases_the_gain_is_about_is_named(
    aliases: str, real: float, other: float
) -> None:
    measured = gain(TWO, scorer=UNEQUAL, aliases=aliases)
    assert measured is not None
    assert measured.log_prob_real == pytest.approx(real, rel=1e-15)
    assert measured.log_prob_counterfactual == pytest.approx(other, rel=1e-15)
    assert measured.value == pytest.approx(real - other, rel=1e-15)


def test_t9_the_first_alias_is_the_default_and_the_only_one_scored() -> None:
    scorer = by_alias({"first": -3.0}, {"first": -4.0})
    assert gain(TWO, scorer=scorer) == gain(TWO, scorer=scorer, aliases="first")
    assert {request.target for request in scorer.calls[0]} == {"first"}


def test_t9_the_best_alias_is_chosen_by_the_real_context_and_biased_upwards() -> None:
    rows = np.random.default_rng(0).normal(size=(500, 4, 6))
    best = [float(best_alias(row)[0] - best_alias(row)[1:].mean()) for row in rows]
    first = [float(first_alias(row)[0] - first_alias(row)[1:].mean()) for row in rows]
    # No real effect: the first alias' mean gain is within 4 standard errors of 0, the
    # best one's is near the mean of the greatest of six normal values, 1.27.
    assert abs(np.mean(first)) < 4 * np.std(first) / math.sqrt(500)
    assert np.mean(best) == pytest.approx(1.27, abs=0.2)


def test_t9_logsumexp_holds_far_below_where_exp_underflows() -> None:
    rows = np.array([[-2000.0, -2000.0], [-3000.0, -4000.0]])
    assert logsumexp_alias(rows).tolist() == [-2000.0 + math.log(2), -3000.0]


def test_t13_head_weights_are_an_option_and_off_by_default() -> None:
    row = [-1.0, -2.0, -3.0, -10.0]
    plain, weighted = sum(row) / 4, (3 * (-1 - 2 - 3) - 10) / (3 * 3 + 1)
    assert mean_log_prob(np.array(row)) == plain
    assert head_weighted_log_prob(np.array(row)) == pytest.approx(weighted, rel=1e-15)
    scorer = by_last_document({"real": row, "a": [-4.0] * 4})
    default = gain(scorer=scorer, sampler=ListSampler(A))
    asked = gain(scorer=scorer, sampler=ListSampler(A), average=head_weighted_log_prob)
    assert default is not None
    assert asked is not None
    assert default.value == plain - -4
    assert asked.value == pytest.approx(weighted - -4, rel=1e-15)


def refined(*refines: str) -> Episode:
    return searched_episode([REAL], [CORPUS[0]], protocol="autorefine", refines=refines)


def test_through_refine_documents_and_refine_are_replaced_jointly() -> None:
    swapped = Fragment(documents=(document("a"),), refine="<refine>other</refine>")
    scorer = FunctionScorer(lambda request: [-1.0])
    episode = refined("hm <refine>own</refine>")
    measure_information_gain(
        [GainRequest(episode=episode, step=0, through_refine=True)], scorer, ListSampler(swapped)
    )
    real, other = (render_context(request) for request in scorer.calls[0])
    assert real == (
        episode.prompt
        + episode.steps[0].output
        + episode.steps[0].observation
        + "hm <refine>own</refine>"
    )
    assert other == (
        episode.prompt
        + episode.steps[0].output
        + "\n<documents>\nDoc 1 (Title: title) text\n</documents>\n"
        + "<refine>other</refine>"
    )


def test_a_search_that_no_refine_follows_has_no_joint_gain() -> None:
    swapped = Fragment(documents=(document("a"),), refine="<refine>other</refine>")
    for episode, step in [(refined(), 0), (refined("<refine>x</refine>"), 1)]:
        request = GainRequest(episode=episode, step=step, through_refine=True)
        scorer = FunctionScorer(lambda request: [-1.0])
        assert measure_information_gain([request], scorer, ListSampler(swapped)) == [None]
        assert gain(episode, step, scorer=scorer, sampler=ListSampler(A)) is not None


def test_whether_the_answer_is_among_the_counterfactual_documents_is_recorded() -> None:
    def recorded(text: str) -> bool:
        fragment = Fragment(documents=(document("a", text, "Delta"),))
        measured = gain(sampler=ListSampler(B, fragment))
        assert measured is not None
        return measured.answer_in_counterfactual

    # Answers are "Delta Reyes" and "Delta"; the title holds the latter.
    assert recorded("nothing")
    only_long = replace(EPISODE, question=replace(QUESTIONS[0], answers=("Delta Reyes",)))

    def recorded_long(text: str) -> bool:
        fragment = Fragment(documents=(document("a", text),))
        measured = gain(only_long, sampler=ListSampler(B, fragment))
        assert measured is not None
        return measured.answer_in_counterfactual

    assert recorded_long("it was the DELTA  Reyes!")
    assert not recorded_long("delta reyesson")
    assert not recorded_long("reyes delta")


@pytest.mark.parametrize(
    ("rows", "fragment"),
    [
        ([float("nan")], "one finite log-probability"),
        ([float("-inf")], "one finite log-probability"),
        ([], "one finite log-probability"),
        ([[-1.0]], "one finite log-probability"),
    ],
)
def test_a_scorer_that_breaks_its_contract_is_named(rows: list, fragment: str) -> None:
    with pytest.raises(IGSearchError, match=f"scorer 'function' returned .*{fragment}"):
        gain(scorer=FunctionScorer(lambda request: rows))


@pytest.mark.parametrize("wrong", [3, 5])
def test_a_scorer_that_returns_another_number_of_rows_is_named(wrong: int) -> None:
    class Miscounts(FunctionScorer):
        def token_log_probs(self, requests):
            return [np.array([-1.0])] * wrong

    with pytest.raises(IGSearchError, match=f"returned {wrong} arrays for 4 requests"):
        gain(scorer=Miscounts(lambda request: [-1.0]))


@pytest.mark.parametrize("rows", [[-1.0, -3.0], np.array([-1.0, -3.0], dtype=np.float32)])
def test_rows_may_be_lists_or_of_lower_precision(rows) -> None:
    class Lists(FunctionScorer):
        def token_log_probs(self, requests):
            return [rows for _ in requests]

    measured = gain(scorer=Lists(lambda request: []))
    assert measured is not None
    assert measured.log_prob_real == -2.0


@pytest.mark.parametrize(
    ("options", "fragment"),
    [
        ({"draws": 0}, "counterfactuals must be at least 1, got 0"),
        ({"aliases": "frist"}, r"no way to treat aliases 'frist' \(did you mean 'first'\?\)"),
    ],
)
def test_options_of_a_measurement_are_checked(options: dict, fragment: str) -> None:
    with pytest.raises(ConfigurationError, match=fragment):
        gain(**options)


def test_the_gold_documents_gain_exceeds_a_wrong_documents() -> None:
    task = live_task(top_k=1)
    for index in range(20):
        episode = begun(task, question=QUESTIONS[index])
        values = []
        for name in (CORPUS[index].title, CORPUS[index - 1].title):
            (after,) = advance(task.rules, [episode], [f"<search>{name} is</search>"])
            (measured,) = task.gains([after], batch=[])
            assert measured is not None
            values.append(measured.value)
        assert values[0] > values[1]
