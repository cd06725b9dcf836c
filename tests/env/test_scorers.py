from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scripted import CORPUS, document, searched_episode

from igs_env.contexts import ScoreRequest
from igs_env.scorers import StatisticalScorer, words
from igs_env.types import Document, Fragment

exact = settings(deadline=None, derandomize=True, database=None, max_examples=100)


def log_probs(scorer: StatisticalScorer, target: str, *blocks: list[Document]) -> list[float]:
    episode = searched_episode(*blocks)
    request = ScoreRequest(episode=episode, step=len(blocks) - 1, target=target, probe="<answer> ")
    (row,) = scorer.token_log_probs([request])
    return row.tolist()


# Background of this corpus, titles counted: red 2, blue 1; 3 words + 2 types + 1 unseen = 6.
TINY = [document("1", "red blue", "red")]


def test_without_documents_the_background_is_all() -> None:
    scorer = StatisticalScorer(TINY)
    got = log_probs(scorer, "red blue green", [])
    assert got == pytest.approx([math.log(3 / 6), math.log(2 / 6), math.log(1 / 6)])


def test_first_words_use_unigrams_and_later_words_bigrams() -> None:
    scorer = StatisticalScorer(TINY)
    # Shown: title "x", text "red green red blue": 5 words, red 2.
    got = log_probs(scorer, "red green", [document("d", "red green red blue", "x")])
    first = 0.2 * 3 / 6 + 0.8 * 2 / 5
    second = 0.2 * 1 / 6 + 0.3 * 1 / 5 + 0.5 * 1 / 2
    assert got == pytest.approx([math.log(first), math.log(second)])


def test_behind_a_word_that_the_documents_lack_the_bigram_weight_goes_to_the_unigram() -> None:
    scorer = StatisticalScorer(TINY)
    got = log_probs(scorer, "green red", [document("d", "red blue", "x")])
    assert got == pytest.approx(
        [math.log(0.2 * 1 / 6 + 0.8 * 0 / 3), math.log(0.2 * 3 / 6 + 0.8 * 1 / 3)]
    )


def test_words_of_two_documents_or_of_title_and_text_are_no_bigram() -> None:
    scorer = StatisticalScorer(TINY)
    apart = [document("a", "red", "green"), document("b", "blue", "red")]
    got = log_probs(scorer, "red blue", apart)
    assert got[1] == pytest.approx(math.log(0.2 * 2 / 6 + 0.3 * 1 / 4 + 0.5 * 0 / 2))


def test_all_documents_of_the_context_count_and_later_ones_do_not() -> None:
    scorer = StatisticalScorer(TINY)
    one, two = [document("a", "red", "")], [document("b", "blue blue", "")]
    assert log_probs(scorer, "blue", one, two) == pytest.approx(
        [math.log(0.2 * 2 / 6 + 0.8 * 2 / 3)]
    )
    request = ScoreRequest(
        episode=searched_episode(one, two), step=0, target="blue", probe="<answer> "
    )
    assert scorer.token_log_probs([request])[0] == pytest.approx([math.log(0.2 * 2 / 6)])


def test_a_replacement_is_read_instead_of_the_steps_documents() -> None:
    scorer = StatisticalScorer(TINY)
    request = ScoreRequest(
        episode=searched_episode([document("a", "red", "")]),
        step=0,
        target="blue",
        probe="<answer> ",
        replacements={0: Fragment(documents=(document("b", "blue", ""),))},
    )
    assert scorer.token_log_probs([request])[0] == pytest.approx([math.log(0.2 * 2 / 6 + 0.8)])


def test_documents_that_hold_the_answer_in_order_are_preferred() -> None:
    scorer = StatisticalScorer(CORPUS)
    blocks = {
        "in order": "the film was directed by Delta Reyes in Peru",
        "reversed": "the film was directed by Reyes Delta in Peru",
        "one word": "the film was directed by Delta someone in Peru",
        "absent": "the film was directed by Nobody Known in Peru",
    }
    means = {
        name: sum(log_probs(scorer, "Delta Reyes", [document("d", text)])) / 2
        for name, text in blocks.items()
    }
    assert sorted(means, key=lambda name: -means[name]) == list(blocks)


SHOWN = st.lists(st.sampled_from(["red", "blue", "green", "grey"]), max_size=8).map(" ".join)


@exact
@given(SHOWN, SHOWN, st.sampled_from(["red", "blue", "green", "grey", "never"]))
def test_probabilities_over_the_vocabulary_sum_to_one_at_most(
    text: str, title: str, previous: str
) -> None:
    scorer = StatisticalScorer([*TINY, document("2", "grey grey", "green")])
    block = [document("d", text, title)]
    vocabulary = ["red", "blue", "green", "grey", "unseen"]  # one unseen type stands for all
    first = sum(math.exp(log_probs(scorer, word, block)[0]) for word in vocabulary)
    later = sum(math.exp(log_probs(scorer, f"{previous} {word}", block)[1]) for word in vocabulary)
    assert 0.0 < first <= 1.0 + 1e-12
    assert 0.0 < later <= 1.0 + 1e-12
    # The first word's distribution loses nothing.
    assert first == pytest.approx(1.0)


@pytest.mark.parametrize("target", ["...", "", " ", "!?", "\0", "\ud800", "🦖"])
@pytest.mark.parametrize("block", [[], [document("d", "red")]], ids=["no documents", "one"])
def test_a_target_without_a_word_is_one_unseen_word(target: str, block: list[Document]) -> None:
    (value,) = log_probs(StatisticalScorer(TINY), target, block)
    assert value == pytest.approx(math.log(0.2 / 6 if block else 1 / 6))


def test_words_are_lower_case_and_unicode() -> None:
    assert words("Ünï-Code, 4,061 中文 don't_x") == (
        "ünï",
        "code",
        "4",
        "061",
        "中文",
        "don",
        "t_x",
    )


def test_a_row_has_one_value_per_word_of_its_target() -> None:
    scorer = StatisticalScorer(CORPUS)
    for target in ("Delta", "Delta Reyes", "Delta Reyes the third"):
        assert len(log_probs(scorer, target, [CORPUS[0]])) == len(target.split())


def test_the_background_of_a_large_corpus_is_an_evenly_spaced_sample(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("igs_env.scorers.BACKGROUND_DOCUMENTS", 2)
    read: list[int] = []

    class Watched(list):
        def __getitem__(self, index):
            read.append(index)
            return super().__getitem__(index)

    StatisticalScorer(Watched(document(str(i)) for i in range(5)))
    assert read == [0, 3]


def test_scores_do_not_depend_on_the_batch() -> None:
    scorer = StatisticalScorer(CORPUS)
    requests = [
        ScoreRequest(
            episode=searched_episode([CORPUS[i]]), step=0, target=CORPUS[j].title, probe=""
        )
        for i in range(4)
        for j in range(4)
    ]
    together = [row.tolist() for row in scorer.token_log_probs(requests)]
    alone = [scorer.token_log_probs([request])[0].tolist() for request in requests]
    assert together == alone
    assert max(Counter(map(tuple, together)).values()) < len(together)
