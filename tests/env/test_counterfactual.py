from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from scripted import (
    CORPUS,
    QUESTIONS,
    FixedRetriever,
    OverlapRetriever,
    begun,
    document,
    live_task,
    searched_episode,
)

from igs_env.contexts import fragments, refine_after
from igs_env.counterfactual import (
    SAMPLERS,
    CorpusSampler,
    EmptySampler,
    HardNegativesSampler,
    OtherQuestionsSampler,
    draw_key,
)
from igs_env.transition import Rules, advance
from igs_env.types import Episode, Fragment

RULES: Rules = live_task().rules


def ids(drawn: tuple[Fragment, ...]) -> list[tuple[str, ...]]:
    return [tuple(d.id for d in fragment.documents) for fragment in drawn]


def corpus_draws(episode: Episode, step: int = 0, draws: int = 3, **options):
    return CorpusSampler(CORPUS, RULES).sample(episode, step, draws=draws, **options)


ONE = searched_episode(CORPUS[:3], CORPUS[3:5])


def test_a_draw_is_keyed_by_seed_question_step_and_draw_and_by_nothing_else() -> None:
    def numbers(episode: Episode, step: int, draw: int) -> list[int]:
        return draw_key(episode, step, draw).integers(1 << 30, size=4).tolist()

    expected = numbers(ONE, 0, 0)
    renamed = replace(ONE, id="other", group_id="other", member=3, steps=())
    assert numbers(renamed, 0, 0) == expected
    others = [
        numbers(replace(ONE, seed=1), 0, 0),
        numbers(replace(ONE, question=QUESTIONS[1]), 0, 0),
        numbers(ONE, 1, 0),
        numbers(ONE, 0, 1),
    ]
    assert all(one != two for one, two in itertools.combinations([expected, *others], 2))


def test_keys_of_neighbouring_fields_do_not_collide() -> None:
    one = replace(ONE, seed=1, question=replace(QUESTIONS[0], id="2"))
    two = replace(ONE, seed=12, question=replace(QUESTIONS[0], id=""))
    assert draw_key(one, 3, 4).integers(1 << 60) != draw_key(two, 3, 4).integers(1 << 60)
    assert draw_key(ONE, 1, 12).integers(1 << 60) != draw_key(ONE, 11, 2).integers(1 << 60)


def test_a_question_id_may_hold_any_character() -> None:
    for id in ("", "\0", "\ud800", "中", "a\0b"):
        draw_key(replace(ONE, question=replace(QUESTIONS[0], id=id)), 0, 0)


def test_corpus_draws_have_as_many_documents_as_the_search_returned() -> None:
    assert [len(block) for block in ids(corpus_draws(ONE, 0))] == [3, 3, 3]
    assert [len(block) for block in ids(corpus_draws(ONE, 1, draws=2))] == [2, 2]


def test_corpus_draws_hold_no_document_of_the_search_and_none_twice() -> None:
    for seed in range(200):
        for block in ids(corpus_draws(replace(ONE, seed=seed))):
            assert not set(block) & {"d00", "d01", "d02"}
            assert len(set(block)) == 3


def test_corpus_draws_are_uniform_over_what_is_left() -> None:
    counts = dict.fromkeys([d.id for d in CORPUS[3:]], 0)
    for seed in range(2_000):
        for id in ids(corpus_draws(replace(ONE, seed=seed), draws=1))[0]:
            counts[id] += 1
    expected = 2_000 * 3 / 21
    # Five standard deviations of a binomial count.
    assert all(abs(count - expected) < 5 * expected**0.5 for count in counts.values())


def test_a_first_draw_does_not_depend_on_how_many_are_drawn() -> None:
    assert ids(corpus_draws(ONE, draws=5))[:2] == ids(corpus_draws(ONE, draws=2))


def test_corpus_draws_ignore_the_batch_and_the_order_of_calls() -> None:
    expected = corpus_draws(ONE)
    corpus_draws(ONE, 1)
    assert corpus_draws(ONE, batch=[ONE, searched_episode(CORPUS[5:8])]) == expected


def test_drawn_documents_are_cleaned_as_retrieved_ones_are() -> None:
    corpus = [document(str(i), "one two <answer>three</answer>") for i in range(4)]
    rules = live_task(max_document_length=12).rules
    (fragment,) = CorpusSampler(corpus, rules).sample(searched_episode(corpus[:1]), 0, draws=1)
    assert fragment.documents[0].text == "one two"
    rules = live_task().rules
    (fragment,) = CorpusSampler(corpus, rules).sample(searched_episode(corpus[:1]), 0, draws=1)
    assert fragment.documents[0].text == "one two [answer]three[/answer]"


@pytest.mark.parametrize(("size", "drawn"), [(5, 0), (6, 3), (7, 3)])
def test_a_corpus_too_small_to_differ_gives_no_draw(size: int, drawn: int) -> None:
    sampler = CorpusSampler(CORPUS[:size], RULES)
    assert len(sampler.sample(searched_episode(CORPUS[:3]), 0, draws=3)) == drawn


def test_a_corpus_has_no_refine_text_to_offer() -> None:
    assert corpus_draws(ONE, with_refine=True) == ()


def sibling(member: int, *blocks, question=QUESTIONS[0], **options) -> Episode:
    return searched_episode(*blocks, question=question, id=f"{question.id}/{member}", **options)


def other_draws(episode: Episode, batch: list[Episode], draws: int = 3, **options):
    return OtherQuestionsSampler().sample(episode, 0, draws=draws, batch=batch, **options)


def test_t1_documents_of_sibling_rollouts_are_never_drawn() -> None:
    group = [sibling(i, CORPUS[3 * i : 3 * i + 3]) for i in range(4)]
    assert other_draws(group[0], group) == ()
    stranger = sibling(0, CORPUS[20:23], question=QUESTIONS[1])
    assert ids(other_draws(group[0], [*group, stranger])) == [("d20", "d21", "d22")]


def test_t1_the_same_question_in_another_group_is_a_sibling_too() -> None:
    elsewhere = replace(sibling(9, CORPUS[3:6]), group_id="elsewhere", seed=5, id="elsewhere/0")
    assert other_draws(sibling(0, CORPUS[:3]), [elsewhere]) == ()


BATCH = [
    sibling(member, CORPUS[at : at + 2], CORPUS[at + 2 : at + 4], question=QUESTIONS[number])
    for number, at in enumerate(range(0, 20, 4))
    for member in (0, 1)
]


def test_other_questions_draws_depend_on_the_content_of_the_batch_and_not_on_its_order() -> None:
    expected = other_draws(BATCH[0], BATCH)
    assert len(expected) == 3
    assert other_draws(BATCH[0], BATCH[::-1]) == expected
    assert other_draws(BATCH[0], BATCH[5:] + BATCH[:5]) == expected


def test_members_of_a_group_draw_the_same_fragments() -> None:
    assert other_draws(BATCH[0], BATCH) == other_draws(BATCH[1], BATCH)
    assert other_draws(BATCH[0], BATCH) != other_draws(replace(BATCH[0], seed=1), BATCH)


def test_other_questions_draws_are_distinct_and_no_more_than_there_are() -> None:
    pool = [f.origin for episode in BATCH[2:] for f in fragments(episode)]
    drawn = other_draws(BATCH[0], BATCH, draws=100)
    assert sorted(f.origin for f in drawn) == sorted(pool)
    assert len(other_draws(BATCH[0], BATCH[:3], draws=3)) == 2


def test_t10_a_failed_or_fruitless_search_offers_no_fragment() -> None:
    task = live_task()
    for query in ("unreachable", "zzz"):
        (other,) = advance(
            task.rules, [begun(task, question=QUESTIONS[1])], [f"<search>{query}</search>"]
        )
        assert fragments(other) == []
        assert other_draws(ONE, [other]) == ()


def test_with_refine_only_fragments_that_a_refine_block_follows_are_drawn() -> None:
    other = sibling(
        0, CORPUS[4:6], CORPUS[6:8], CORPUS[8:10],
        question=QUESTIONS[1], protocol="autorefine",
        refines=["<refine>kept</refine>", "<refine>open "],
    )  # fmt: skip
    drawn = other_draws(ONE, [other], with_refine=True)
    assert ids(drawn) == [("d04", "d05")]
    assert drawn[0].refine == "<refine>kept</refine>"
    assert drawn[0].origin == ("q01/0", 0)
    assert len(other_draws(ONE, [other])) == 3


def test_a_refine_text_is_all_from_the_documents_through_the_closing_tag() -> None:
    episode = sibling(
        0, CORPUS[:1], CORPUS[1:2], protocol="autorefine", refines=["so <refine>x</refine> then "]
    )
    assert refine_after(episode, 0) == "so <refine>x</refine>"
    assert refine_after(episode, 1) is None
    same = sibling(0, CORPUS[:1], CORPUS[1:2], refines=["so <refine>x</refine> then "])
    assert refine_after(same, 0) is None  # search-r1 has no refine block


def hard_draws(episode: Episode, draws: int = 3, **options):
    return HardNegativesSampler(CORPUS, RULES).sample(episode, 0, draws=draws, **options)


def searched(query: str, top_k: int = 3) -> Episode:
    task = live_task(top_k=top_k)
    return advance(task.rules, [begun(task)], [f"<search>{query}</search>"])[0]


def test_hard_negatives_are_the_next_ranks_of_the_same_query() -> None:
    query = "a film of 1950 directed in Peru"
    ranked = [d.id for d in OverlapRetriever().search([query], 12)[0]]
    episode = searched(query)
    assert [d.id for d in episode.steps[0].documents] == ranked[:3]
    assert ids(hard_draws(episode)) == [tuple(ranked[at : at + 3]) for at in (3, 6, 9)]


def test_hard_negatives_are_whole_blocks_only() -> None:
    task = live_task(retriever=FixedRetriever(CORPUS[:8]))
    episode = advance(task.rules, [begun(task)], ["<search>x</search>"])[0]
    drawn = HardNegativesSampler(CORPUS, task.rules).sample(episode, 0, draws=3)
    assert ids(drawn) == [("d03", "d04", "d05")]


def test_hard_negatives_are_absent_where_the_query_matches_no_more() -> None:
    assert hard_draws(searched("Alpha")) == ()
    assert hard_draws(searched("zzz")) == ()
    assert hard_draws(searched("film"), with_refine=True) == ()


def test_t10_hard_negatives_are_absent_where_the_second_search_fails() -> None:
    class FailsLater(OverlapRetriever):
        def search(self, queries, top_k):
            return super().search(queries if top_k == 3 else ["unreachable"], top_k)

    task = live_task(retriever=FailsLater(), sampler="hard_negatives")
    episode = advance(task.rules, [begun(task)], ["<search>film</search>"])[0]
    assert task.gains([episode], batch=[]) == [None]


def test_empty_is_one_draw_of_no_documents() -> None:
    assert EmptySampler().sample(ONE, 0, draws=3) == (Fragment(documents=()),)
    assert EmptySampler().sample(ONE, 0, draws=3, with_refine=True) == (
        Fragment(documents=(), refine=""),
    )


def test_every_sampler_is_reached_by_name_and_bears_it() -> None:
    for name in SAMPLERS:
        sampler = live_task(sampler=name).sampler
        assert (sampler.name if sampler else "none") == name


def test_none_measures_nothing() -> None:
    task = live_task(sampler="none")
    assert (task.sampler, task.scorer) == (None, None)
    episode = advance(task.rules, [begun(task)], ["<search>film</search>"])[0]
    assert task.gains([episode], batch=[episode]) == [None]
