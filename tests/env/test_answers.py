from __future__ import annotations

import pytest

from igs_env.answers import exact_match, f1, normalise_answer, sub_exact_match


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # SQuAD's four steps: lower case, punctuation, articles, white space, in this order.
        ("The Beatles", "beatles"),
        ("  an   apple\ta  day\n", "apple day"),
        ("A.A. Milne", "aa milne"),
        ("a-ha", "aha"),
        ("The-The", "thethe"),
        ("U.S.A.", "usa"),
        ("rock 'n' roll", "rock n roll"),
        ("1,234.5", "12345"),
        ("-5 °C", "5 °c"),
        ("theatre another", "theatre another"),
        ("the", ""),
        ("A the an", ""),
        ("...!?", ""),
        ("", ""),
        (" \n\t ", ""),
        # Only ASCII punctuation goes, as in `string.punctuation`.
        ("Ser—ge “x” ’s", "ser—ge “x” ’s"),
        ("¿Qué?", "¿qué"),
        ("Zürich", "zürich"),
        ("STRASSE", "strasse"),
        ("Straße", "straße"),
        ("İstanbul", "i̇stanbul"),
        ("东京", "东京"),
        ("a\u00a0b", "b"),
        # An article is a word: `\b` stands between a letter and a non-word character.
        ("a°b", "°b"),
        ("x—the—y", "x— —y"),
        ("thé", "thé"),
        ("Vitamin A", "vitamin"),
        ("$100", "100"),
        ("C++", "c"),
        ("AC/DC", "acdc"),
        ("_under_score_", "underscore"),
        ("<b>x</b>", "bxb"),
    ],
)
def test_normalisation_is_squads(text: str, expected: str) -> None:
    assert normalise_answer(text) == expected


@pytest.mark.parametrize(
    ("prediction", "answers", "expected"),
    [
        ("The U.S.", ("us",), 1.0),
        ("Paris", ("London", "paris!"), 1.0),
        ("Paris, France", ("Paris",), 0.0),
        ("", ("Paris",), 0.0),
        ("yes", ("Yes.",), 1.0),
        ("café", ("cafe",), 0.0),
        ("1990", ("1,990",), 1.0),
    ],
)
def test_exact_match_is_over_all_aliases(
    prediction: str, answers: tuple[str, ...], expected: float
) -> None:
    assert exact_match(prediction, answers) == expected


@pytest.mark.parametrize(
    ("prediction", "answers", "expected"),
    [
        ("It was Ridley Scott.", ("ridley scott",), 1.0),
        ("Ridley", ("Ridley Scott",), 0.0),
        ("the year 1979", ("1980", "1979"), 1.0),
    ],
)
def test_sub_exact_match_looks_for_gold_in_the_prediction(
    prediction: str, answers: tuple[str, ...], expected: float
) -> None:
    assert sub_exact_match(prediction, answers) == expected


def harmonic(precision: float, recall: float) -> float:
    return 2 * precision * recall / (precision + recall)


@pytest.mark.parametrize(
    ("prediction", "answers", "expected"),
    [
        ("Ridley Scott", ("Ridley Scott",), harmonic(1, 1)),
        ("director Ridley Scott", ("Ridley Scott",), harmonic(2 / 3, 2 / 2)),
        ("Scott", ("Ridley Scott",), harmonic(1 / 1, 1 / 2)),
        ("Tony Scott", ("Ridley Scott",), harmonic(1 / 2, 1 / 2)),
        ("Tony Scott", ("Ridley Scott", "Tony"), harmonic(1 / 2, 1 / 1)),
        # Words count as often as they occur in both.
        ("new new york", ("new york york",), harmonic(2 / 3, 2 / 3)),
        ("the the", ("the",), 0.0),
        ("", ("Ridley Scott",), 0.0),
        ("Alien", ("Ridley Scott",), 0.0),
        # HotpotQA's rule: yes, no and noanswer only count when equal.
        ("yes", ("yes",), 1.0),
        ("Yes!", ("yes",), 1.0),
        ("yes it is", ("yes",), 0.0),
        ("yes", ("yes it is",), 0.0),
        ("no", ("yes",), 0.0),
        ("no one", ("no",), 0.0),
        ("noanswer", ("noanswer",), 1.0),
        ("noanswer", ("noanswer given",), 0.0),
        # The rule is about whole answers, not about words in them.
        ("say yes now", ("say yes",), harmonic(2 / 3, 2 / 2)),
        ("yes sir", ("yes", "sir"), harmonic(1 / 2, 1 / 1)),
    ],
)
def test_f1_is_hotpotqas_over_all_aliases(
    prediction: str, answers: tuple[str, ...], expected: float
) -> None:
    assert f1(prediction, answers) == pytest.approx(expected, abs=1e-15)
