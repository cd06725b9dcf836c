import hashlib
import json
import re
import tracemalloc
from collections import Counter, defaultdict
from functools import cache
from itertools import islice

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from igs_env.datasets import load_questions, open_corpus
from igs_env.datasets.fiction import FictionCorpus, World
from igs_env.datasets.fiction.names import names_of
from igs_env.datasets.fiction.paths import SHARES
from igs_env.datasets.fiction.relations import KINDS, RELATIONS
from igs_env.datasets.question_row import question_to_row
from igs_env.errors import ConfigurationError, DataError

MICRO = "fiction:documents=500,facts=1,words=10,paraphrase=1,distractors=0,link_noise=0"
SMALL = "fiction:documents=600,seed=3,link_noise=1.5,distractors=0.4,paraphrase=4,questions=3000"
WORLDS = pytest.mark.parametrize("world", [MICRO, SMALL], ids=["micro", "small"])


@cache
def every_question(world):
    return [question for split in SHARES for question in load_questions(world, split=split)]


def stated(corpus):
    """(subject, relation, object) triples read from the text of all documents, by template."""
    templates = [
        (relation.name, re.compile(wording.format(s="(?P<s>.+)", o="(?P<o>.+)")))
        for kind in RELATIONS
        for relation in kind
        for wording in relation.statements
    ]
    for document in corpus:
        for sentence in re.findall(r"[^.]+\.", document.text):
            for name, template in templates:
                if match := template.fullmatch(sentence.strip()):
                    yield document, match["s"], name, match["o"]


@pytest.mark.parametrize(
    ("world", "digest"),
    [
        (MICRO, "75ec91424bc11f139f86b3cad6633dafeacc1dbf2dd8a0fc822bf386a9bcd693"),
        (SMALL, "c9ed2022d55479842fcfc62ca11854429e42e0f92cf75efc833a469091fcc7f0"),
        (
            "fiction:documents=1000000,seed=100",
            "bb7ae6fa98b2bd8ebb08f4e61fad32c975d18ab7a3a511de8f959b13ad046092",
        ),
    ],
)
def test_the_same_knobs_give_the_same_bytes(world, digest):
    taken = hashlib.sha256()
    for document in islice(open_corpus(world), 500):
        taken.update(json.dumps([document.id, document.title, document.text]).encode())
    for question in load_questions(world, split="dev", limit=50):
        taken.update(json.dumps(question_to_row(question)).encode())
    assert taken.hexdigest() == digest


def test_every_knob_changes_the_documents_and_the_fingerprint():
    base = {"documents": 200}
    changes = ({"seed": 1}, {"facts": 3}, {"paraphrase": 2}, {"words": 60}, {"distractors": 0.1},
               {"link_noise": 1.0}, {"documents": 204})  # fmt: skip
    worlds = [World(**{**base, **change}) for change in ({}, *changes)]
    assert len({world.fingerprint for world in worlds}) == len(worlds)
    assert len({str(list(FictionCorpus(world))) for world in worlds}) == len(worlds)


@WORLDS
def test_every_answer_is_unique_given_the_text_of_the_corpus(world):
    objects = defaultdict(set)
    for _, subject, relation, told in stated(open_corpus(world)):
        objects[subject, relation].add(told)
    assert {len(found) for found in objects.values()} == {1}
    for question in every_question(world):
        at = question.metadata["start"]
        for relation in question.metadata["relations"]:
            (at,) = objects[at, relation]
        assert question.answers == (at,)


@WORLDS
def test_each_hop_is_stated_by_its_gold_document_and_the_answer_by_the_last_alone(world):
    corpus = open_corpus(world)
    titles = {document.title for document in corpus}
    assert len(titles) == len(corpus)
    for question in every_question(world):
        gold = [corpus.by_id(hop[0]) for hop in question.gold_documents]
        assert [document.title for document in gold] == question.metadata["entities"]
        assert question.hops == len(gold) == len(question.metadata["queries"])
        assert len(set(gold)) == len(gold)
        links = [*question.metadata["entities"][1:], question.answers[0]]
        assert all(link in document.text for link, document in zip(links, gold, strict=True))
        assert not any(question.answers[0] in document.text for document in gold[:-1])
        assert question.answers[0] not in question.text


@WORLDS
def test_each_gold_query_names_the_entity_that_its_hop_is_about(world):
    for question in every_question(world):
        facts = zip(question.metadata["queries"], question.metadata["entities"], strict=True)
        assert all(query.endswith(f" of {entity}") for query, entity in facts)
        assert question.metadata["start"] == question.metadata["entities"][0]
        assert question.metadata["start"] in question.text


@WORLDS
def test_no_start_and_relation_path_is_in_two_splits(world):
    keys = {
        split: {
            (question.metadata["start"], *question.metadata["relations"])
            for question in every_question(world)
            if question.split == split
        }
        for split in SHARES
    }
    assert all(keys.values())
    assert not keys["train"] & keys["dev"]
    assert not keys["train"] & keys["test"]
    assert not keys["dev"] & keys["test"]


def test_ids_are_unique_and_no_answer_is_frequent():
    questions = every_question("fiction:documents=2000,seed=1")
    assert len({question.id for question in questions}) == len(questions) == 12_000
    (_, most), *_ = Counter(question.answers for question in questions).most_common(1)
    assert most <= 0.02 * len(questions)


@settings(max_examples=40, deadline=None)
@given(
    documents=st.integers(20, 400),
    seed=st.integers(0, 2**63 - 1),
    distractors=st.floats(0.0, 0.4),
)
def test_names_are_unique_and_none_is_part_of_another(documents, seed, distractors):
    world = World(documents=documents, seed=seed, distractors=distractors)
    names = names_of(world)
    told = [names.of(index) for index in range(documents)]
    assert len(set(told)) == documents
    assert not any(one in other for one in told for other in told if one is not other)


def test_names_are_unique_where_made_up_words_need_a_third_syllable():
    world = World(documents=1_000_000, distractors=0.4)
    names = names_of(world)
    assert names.syllables == 3
    # A block from the front of each half, whose look-alikes and originals lie far apart.
    sample = [*range(30_000), *range(970_000, 1_000_000)]
    assert len({names.of(index) for index in sample}) == len(sample)


def test_a_look_alike_bears_an_earlier_name_with_a_word_in_between_and_is_no_gold_document():
    world = World(documents=600, seed=3, distractors=0.4)
    names, questions = names_of(world), every_question(SMALL)
    assert world.entities == 600 - 240
    for index in range(world.entities, 600):
        original = names.of(world.original(index)).split()
        told = names.of(index).split()
        assert any(told[:at] + told[at + 1 :] == original for at in range(1, len(told) - 1))
        assert list(world.relations(index)) == list(world.relations(world.original(index)))
    gold = {int(hop[0].removeprefix("fiction-")) for q in questions for hop in q.gold_documents}
    assert max(gold) < world.entities


def test_facts_is_the_number_of_relations_stated():
    for facts in (1, 3, 5):
        corpus = open_corpus(f"fiction:documents=60,facts={facts},link_noise=0")
        told = Counter(document.id for document, *_ in stated(corpus))
        assert set(told.values()) == {facts}
        assert len(told) == 60


def test_paraphrase_is_the_number_of_wordings_in_use():
    for paraphrase in (1, 2, 4):
        corpus = open_corpus(f"fiction:documents=800,paraphrase={paraphrase},distractors=0")
        text = " ".join(document.text for document in corpus)
        for relation in (relation for kind in RELATIONS for relation in kind):
            told = [s.split("{o}")[0].split("{s}")[-1].strip() for s in relation.statements]
            used = [wording in text for wording in told if wording]
            assert used[: min(paraphrase, len(used))] == [True] * min(paraphrase, len(used))
        nouns = {
            question.metadata["queries"][0].split(" of ")[0]
            for question in load_questions(
                f"fiction:documents=2000,questions=2000,paraphrase={paraphrase}"
            )
            if question.metadata["relations"][0] == "employer"
        }
        assert len(nouns) == paraphrase


def test_link_noise_is_the_expected_number_of_unrelated_mentions():
    for noise in (0.0, 0.5, 2.5):
        world = World(documents=4000, link_noise=noise)
        mean = sum(len(world.mentions(index)) for index in range(4000)) / 4000
        # Standard error of a mean of 4,000 draws of variance at most 1/4: 0.008.
        assert abs(mean - noise) < 4 * 0.008


def test_words_is_the_least_length_of_a_document():
    for words in (0, 25, 100):
        corpus = open_corpus(f"fiction:documents=200,facts=1,link_noise=0,words={words}")
        lengths = [len(document.text.split()) for document in corpus]
        assert min(lengths) >= words
        assert max(lengths) <= max(words + 12, 25)


def test_the_micro_world_has_short_passages_and_questions_of_one_to_three_hops():
    lengths = [len(document.text.split()) for document in open_corpus(MICRO)]
    assert 10 <= min(lengths) <= max(lengths) <= 25
    hops = Counter(question.hops for question in load_questions(MICRO))
    assert sorted(hops) == [1, 2, 3]
    assert min(hops.values()) >= 200


def test_hops_and_questions_choose_and_the_corpus_takes_no_notice():
    assert {q.hops for q in load_questions("fiction:documents=400,hops=4,questions=200")} == {4}
    assert {q.hops for q in load_questions("fiction:documents=400,hops=2-3,questions=200")} == {
        2,
        3,
    }
    world = "fiction:documents=400,questions=50"
    assert [len(load_questions(world, split=split)) for split in SHARES] == [50, 5, 5]
    assert open_corpus(world).fingerprint == open_corpus("fiction:documents=400").fingerprint


def test_a_world_without_such_questions_says_what_to_do():
    # Twelve entities with one fact each: hardly ever a path of four hops.
    with pytest.raises(DataError, match=r"no dev question of 4 hops in 20 .*raise documents"):
        load_questions("fiction:documents=20,facts=1,hops=4,distractors=0.4", split="dev")


def test_nothing_is_related_to_itself_or_mentions_itself():
    for seed in range(20):
        world = World(documents=20, seed=seed, facts=5, link_noise=3.0)
        for index in range(20):
            objects = (world.object(index, r) for r in world.relations(index) if r.target < KINDS)
            assert index not in (*objects, *world.mentions(index))


def test_documents_are_streamed_in_constant_memory():
    corpus = open_corpus("fiction:documents=1000000")
    tracemalloc.start()
    characters = sum(len(document.text) for document in islice(corpus, 1_000))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert characters > 1_000 * 200
    assert peak < 200_000


def test_documents_in_order_and_by_position_are_the_same():
    corpus = open_corpus("fiction:documents=300,distractors=0.3")
    assert [corpus[index] for index in range(300)] == list(corpus)
    assert corpus[-1] == corpus.by_id("fiction-299") == corpus[299]
    assert {index % KINDS for index in range(300)} == {0, 1, 2, 3}


@pytest.mark.parametrize("value", [True, "many", None, 1.5])
def test_knobs_of_another_type_are_refused(value):
    with pytest.raises(ConfigurationError, match=r"documents is .*; give a whole number"):
        World(documents=value)
