from __future__ import annotations

import json
from dataclasses import replace

import pytest
from scripted import CORPUS, LIVE, QUESTIONS, FixedRetriever, OverlapRetriever, live_task

from igs_env.errors import ConfigurationError, DataError, IGSearchError
from igs_env.protocols import PROTOCOLS
from igs_env.task import SCORING, TaskOptions, make_task

BAD_ARGUMENTS: list[tuple[dict, type[Exception], str]] = [
    # input → error, and what its message holds
    ({"quesitons": 1}, ConfigurationError, "no argument 'quesitons' (did you mean 'questions'?)"),
    ({"max_search": 1}, ConfigurationError, "(did you mean 'max_searches'?)"),
    ({"questions": "atlsa"}, ConfigurationError, "no questions 'atlsa' (did you mean 'atlas'?)"),
    ({"questions": "atlsa", "corpus": None}, ConfigurationError, "(did you mean 'atlas'?)"),
    ({"questions": "no/such.jsonl", "corpus": CORPUS}, DataError, "no/such.jsonl"),
    (
        {"questions": QUESTIONS, "corpus": None},
        ConfigurationError,
        "pass corpus= a path or one of atlas",
    ),
    ({"questions": [], "corpus": CORPUS}, DataError, "give at least one question"),
    ({"questions": [1], "corpus": CORPUS}, DataError, "needs igs_env.types.Question"),
    ({"questions": 5, "corpus": CORPUS}, DataError, "questions are int"),
    ({"questions": QUESTIONS[:1] * 2}, DataError, "repeats id 'q00'"),
    ({"questions": [replace(QUESTIONS[0], answers=())]}, DataError, "has no answers"),
    ({"split": "test"}, DataError, "none is of split 'test'; there are dev, train"),
    ({"hops": 7}, ConfigurationError, "no question has hops in [7]; there are [1, 2]"),
    ({"hops": []}, ConfigurationError, "no question has hops in []"),
    ({"corpus": []}, DataError, "is empty"),
    ({"corpus": 5}, DataError, "corpus is int"),
    ({"corpus": CORPUS[:1] * 2}, DataError, "share id 'd00'"),
    ({"corpus": "scripted:NOTHING"}, ConfigurationError, "has no 'NOTHING'"),
    ({"retriever": "bm52"}, ConfigurationError, "no retriever 'bm52' (did you mean 'bm25'?)"),
    ({"retriever": object()}, ConfigurationError, "search(queries, top_k)"),
    ({"retriever": "scripted:document"}, ConfigurationError, "corpus"),
    (
        {"retriever": "scripted:OverlapRetriever", "retriever_kwargs": {"k1": 1}},
        ConfigurationError,
        "unexpected keyword argument 'k1'",
    ),
    ({"retriever": "nowhere:Thing"}, ConfigurationError, "there is no module 'nowhere'"),
    ({"retriever": ":Thing"}, ConfigurationError, "write module:attribute"),
    ({"retriever": "scripted:"}, ConfigurationError, "write module:attribute"),
    ({"protocol": "autorefien"}, ConfigurationError, "(did you mean 'autorefine'?)"),
    ({"protocol": 5}, ConfigurationError, "got int"),
    ({"reward": "emm"}, ConfigurationError, "no reward 'emm' (did you mean 'em'?)"),
    ({"reward": 5}, ConfigurationError, "a reward needs __call__, which int has not"),
    ({"length": 5}, ConfigurationError, "a length needs __call__, which int has not"),
    ({"length": "characters"}, ConfigurationError, "no length 'characters'"),
    ({"scorer": "statistic"}, ConfigurationError, "(did you mean 'statistical'?)"),
    ({"scorer": object()}, ConfigurationError, "a scorer needs token_log_probs"),
    ({"scorer_kwargs": {"path": "x"}}, ConfigurationError, "unexpected keyword argument 'path'"),
    ({"sampler": "other_question"}, ConfigurationError, "(did you mean 'other_questions'?)"),
    ({"sampler": object()}, ConfigurationError, "a sampler needs sample"),
    ({"counterfactuals": 0}, ConfigurationError, "to measure no gain pass sampler='none'"),
    ({"counterfactuals": 1.0}, ConfigurationError, "counterfactuals must be an integer"),
    ({"counterfactuals": True}, ConfigurationError, "counterfactuals must be an integer"),
    ({"aliases": "frist"}, ConfigurationError, "no aliases 'frist' (did you mean 'first'?)"),
    ({"scoring": "defered"}, ConfigurationError, "(did you mean 'deferred'?)"),
    ({"top_k": 0}, ConfigurationError, "top_k must be an integer of at least 1, got 0"),
    ({"max_searches": "5"}, ConfigurationError, "max_searches must be an integer"),
    ({"max_document_length": 1.5}, ConfigurationError, "max_document_length must be an integer"),
]


@pytest.mark.parametrize(("options", "error", "fragment"), BAD_ARGUMENTS)
def test_a_bad_argument_has_an_error_that_names_it(
    options: dict, error: type[Exception], fragment: str
) -> None:
    with pytest.raises(error) as caught:
        make_task(**{"questions": QUESTIONS, "corpus": CORPUS, **options})
    assert isinstance(caught.value, IGSearchError)
    assert fragment in str(caught.value)


def test_a_split_is_taken_of_given_questions_too() -> None:
    def ids(**options) -> list[str]:
        return [question.id for question in live_task(**options).questions]

    everything = [question.id for question in QUESTIONS]
    assert ids() == everything
    assert ids(split="train") == everything[:20]
    assert ids(split="dev") == everything[20:]
    assert ids(questions="scripted:QUESTIONS") == everything


def test_questions_are_chosen_by_hops() -> None:
    assert {question.hops for question in live_task(hops=1).questions} == {1}
    assert {question.hops for question in live_task(hops=[2, 3]).questions} == {2}
    assert len(live_task(hops=None).questions) == len(QUESTIONS)


def test_parts_are_named_given_or_found_by_module_and_attribute() -> None:
    given = OverlapRetriever()
    assert live_task(retriever=given).rules.retriever is given
    named = make_task(**LIVE)
    assert isinstance(named.rules.retriever, OverlapRetriever)
    assert live_task(protocol=PROTOCOLS["plain"]).rules.protocol.name == "plain"
    assert live_task(protocol="scripted:TERSE").rules.protocol.name == "terse"
    assert live_task(length="builtins:len").rules.length is len
    assert live_task(reward="igs_env.rewards:em").rules.reward.__name__ == "em"


def test_what_is_made_from_names_is_made_once() -> None:
    one, two = make_task(**LIVE), make_task(**LIVE)
    assert one.rules.retriever is two.rules.retriever
    assert one.scorer is two.scorer
    assert one.corpus is two.corpus
    live = live_task(), live_task()
    assert live[0].scorer is not live[1].scorer


def test_factory_arguments_that_do_not_serialise_are_passed_on() -> None:
    documents = tuple(CORPUS[:2])
    task = make_task(
        questions=QUESTIONS,
        corpus="scripted:CORPUS",
        retriever="scripted:made_of",
        retriever_kwargs={"documents": documents},
    )
    assert isinstance(task.rules.retriever, FixedRetriever)
    assert task.rules.retriever.documents == documents


def test_the_defaults_are_the_papers() -> None:
    task = live_task()
    assert (task.rules.top_k, task.rules.max_searches, task.counterfactuals) == (3, 5, 3)
    assert (task.aliases, task.scoring) == ("first", "immediate")
    assert task.sampler is not None
    assert task.scorer is not None
    assert (task.sampler.name, task.scorer.name) == ("corpus", "statistical")


def test_deferred_scoring_measures_nothing_and_keeps_the_parts_for_the_trainer() -> None:
    task = live_task(scoring="deferred")
    assert SCORING == ("immediate", "deferred")
    assert task.sampler is not None
    assert task.scorer is not None


def test_every_option_of_the_environment_is_documented() -> None:
    import inspect

    source = inspect.getsource(TaskOptions)
    assert all(f"    {name}:" in source for name in TaskOptions.__annotations__)
    assert json.loads(json.dumps(LIVE)) == LIVE
