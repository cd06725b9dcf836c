"""A task: the questions, rules and gain that every kind of environment shares."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from os import PathLike, fspath
from typing import Any, Literal, TypedDict, Unpack

from igs_env.components import call_factory, check_component, find_component
from igs_env.counterfactual import SAMPLERS
from igs_env.datasets import CORPORA, Corpus, load_questions, open_corpus
from igs_env.errors import ConfigurationError, unknown_name
from igs_env.information_gain import (
    ALIASES,
    AnswerScorer,
    FragmentSampler,
    GainRequest,
    measure_information_gain,
)
from igs_env.protocols import Protocol, get_protocol
from igs_env.retrievers import Retriever, is_url, make_retriever
from igs_env.rewards import REWARDS, Reward
from igs_env.scorers import SCORERS
from igs_env.transition import Rules
from igs_env.types import Document, Documents, Episode, InformationGain, Question

Scoring = Literal["immediate", "deferred"]
SCORING: tuple[Scoring, ...] = ("immediate", "deferred")
"""`immediate`: each step measures its gain. `deferred`: a trainer does so afterwards, with its
policy, and info says that the gain is not valid."""


class TaskOptions(TypedDict, total=False):
    """Keyword arguments of every environment. Names, numbers and paths, so that a spec
    serialises; live objects and `module:attribute` strings are accepted for components."""

    questions: str | PathLike[str] | Sequence[Question]
    """Registry name, path, or questions; several joined by `+`. Default `atlas`."""
    split: str
    """`train`, `dev` or `test`. Default: `train` for a name, what a benchmark is evaluated on, and
    all of them for given questions."""
    hops: int | Sequence[int] | None
    """Only questions with so many hops. Default all."""
    corpus: str | PathLike[str] | Sequence[Document] | None
    """Registry name, path, or documents. Default: the corpus of the questions' own name; `none`
    where the retriever is a URL or a recording and the questions come without one."""
    retriever: str | Retriever
    """Registry name, URL, or retriever. Default `bm25`."""
    retriever_kwargs: Mapping[str, Any]
    protocol: str | Protocol
    """Default `search-r1`."""
    reward: str | Reward | None
    """Default: the protocol's own."""
    scorer: str | AnswerScorer
    """Default `statistical`."""
    scorer_kwargs: Mapping[str, Any]
    sampler: str | FragmentSampler | None
    """Where counterfactual documents come from. Default `corpus`; `none` measures no gain."""
    counterfactuals: int
    """Draws per search, N. Default 3."""
    aliases: str
    """Which answers the gain is about: `first` (default), `best`, `logsumexp`."""
    scoring: Scoring
    """Default `immediate`."""
    top_k: int
    max_searches: int
    max_document_length: int
    length: str | Callable[[str], int]
    """Size of a text for `max_document_length`. Default: characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """Everything about an environment that does not change from episode to episode."""

    questions: Sequence[Question]
    by_id: Mapping[str, Question]
    rules: Rules
    corpus: Documents
    sampler: FragmentSampler | None
    """None: no gain is measured."""
    scorer: AnswerScorer | None
    """None: no gain is measured."""
    counterfactuals: int
    aliases: str
    scoring: Scoring
    source: str | Sequence[Question]
    """What `questions` was made of; other splits are taken from it."""
    hops: int | Sequence[int] | None
    """Which hop counts `questions` was limited to."""
    _splits: dict[str, Task] = field(default_factory=dict, init=False, repr=False, compare=False)

    def gains(
        self, episodes: Sequence[Episode], batch: Sequence[Episode]
    ) -> list[InformationGain | None]:
        """Gain of each episode's newest step; None where there is none to measure.

        `batch` is what samplers such as `other_questions` may draw from.
        """
        if self.scorer is None or self.sampler is None or self.scoring != "immediate":
            return [None] * len(episodes)
        searched = [i for i, episode in enumerate(episodes) if episode.steps[-1].searched]
        measured = measure_information_gain(
            [GainRequest(episode=episodes[i], step=len(episodes[i].steps) - 1) for i in searched],
            self.scorer,
            self.sampler,
            draws=self.counterfactuals,
            batch=batch,
            aliases=self.aliases,
        )
        gains: list[InformationGain | None] = [None] * len(episodes)
        for index, gain in zip(searched, measured, strict=True):
            gains[index] = gain
        return gains

    def question(self, id: str) -> Question:
        """The question of that id; `ConfigurationError` with some of the ids if there is none."""
        try:
            return self.by_id[id]
        except (KeyError, TypeError):  # TypeError: a list or another value that is no key
            known = list(self.by_id)
            shown = known if len(known) <= 8 else [*known[:7], f"… ({len(known)} questions)"]
            source = self.source if isinstance(self.source, str) else "the given questions"
            raise ConfigurationError(
                f"no question {id!r} in {source}; its ids are {', '.join(shown)}"
            ) from None

    def in_split(self, split: str) -> Task:
        """The same task over the questions of another split of what it was made of.

        Raises `ConfigurationError` or `DataError` where there is no such split.
        """
        if split not in self._splits:
            questions = select_questions(_questions(self.source, split), self.hops)
            self._splits[split] = replace(self, questions=questions, by_id=_by_id(questions))
        return self._splits[split]


def make_task(**options: Unpack[TaskOptions]) -> Task:
    """A task from keyword arguments; `TaskOptions` says what each means.

    Raises:
        ConfigurationError: an unknown argument or name, or a value out of range.
        DataError: questions or a corpus that cannot be read.
    """
    unknown = set(options) - set(TaskOptions.__annotations__)
    if unknown:
        raise unknown_name("argument", sorted(unknown)[0], TaskOptions.__annotations__)
    source = options.get("questions", "atlas")
    source = fspath(source) if isinstance(source, PathLike) else source
    hops = options.get("hops")
    questions = select_questions(_questions(source, options.get("split")), hops)
    given = options.get("corpus")
    searched = options.get("retriever", "bm25")
    corpus_source = _own_corpus(source, searched) if given is None else given
    corpus = _corpus(corpus_source)
    protocol = get_protocol(options.get("protocol", "search-r1"))
    retriever = _retriever(searched, corpus_source, options.get("retriever_kwargs", {}))
    limits = {
        name: options[name]
        for name in ("top_k", "max_searches", "max_document_length")
        if name in options
    }
    rules = Rules(
        protocol=protocol,
        retriever=retriever,
        reward=_function("reward", options.get("reward") or protocol.default_reward, REWARDS),
        length=_function("length", options.get("length", len), {}),
        **limits,
    )
    counterfactuals = _counterfactuals(options.get("counterfactuals", 3))
    sampler = make_sampler(options.get("sampler", "corpus"), corpus, rules)
    return Task(
        questions=questions,
        by_id=_by_id(questions),
        rules=rules,
        corpus=corpus,
        sampler=sampler,
        scorer=_scorer(options, corpus_source, corpus) if sampler is not None else None,
        counterfactuals=counterfactuals,
        aliases=_choice("aliases", options.get("aliases", "first"), tuple(ALIASES)),
        scoring=_choice("scoring", options.get("scoring", "immediate"), SCORING),
        source=source,
        hops=hops,
    )


def select_questions(
    questions: Sequence[Question], hops: int | Sequence[int] | None
) -> Sequence[Question]:
    """Those questions that have one of the wanted hop counts; all of them for None.

    Raises `ConfigurationError` when none is left.
    """
    if hops is None:
        return questions
    wanted = {hops} if isinstance(hops, int) else set(hops)
    chosen = [question for question in questions if question.hops in wanted]
    if not chosen:
        have = sorted({question.hops for question in questions})
        raise ConfigurationError(f"no question has hops in {sorted(wanted)}; there are {have}")
    return chosen


def _by_id(questions: Sequence[Question]) -> dict[str, Question]:
    return {question.id: question for question in questions}


def _function(kind: str, value: object, registry: Mapping[str, Any]) -> Any:
    function = find_component(kind, value, registry)
    check_component(kind, function, "__call__")
    return function


def _own_corpus(source: object, retriever: object) -> str:
    name = source.partition(":")[0] if isinstance(source, str) else ""
    if name not in CORPORA and (is_url(retriever) or retriever in ("replayed", "sharded")):
        return "none"
    if name not in CORPORA:
        raise ConfigurationError(
            "corpus must be given: these questions come without one of their own; pass corpus= a "
            f"path or one of {', '.join(sorted(CORPORA))}"
        )
    return str(source)


def _questions(source: Any, split: str | None) -> Sequence[Question]:
    if isinstance(source, str):
        return _shared_questions(source, split)
    return load_questions(source, split=split)


def _corpus(source: Any) -> Corpus:
    if isinstance(source, PathLike):
        source = fspath(source)
    return _shared_corpus(source) if isinstance(source, str) else open_corpus(source)


def _retriever(spec: Any, corpus_source: Any, kwargs: Mapping[str, Any]) -> Retriever:
    key = _sharing_key(spec, corpus_source, kwargs)
    # What writes a file, or counts how often it was asked, belongs to one task.
    if key is not None and spec not in ("recorded", "replayed"):
        return _shared_retriever(spec, corpus_source, key)
    return make_retriever(spec, _corpus(corpus_source), **kwargs)


def _scorer(options: TaskOptions, corpus_source: Any, corpus: Documents) -> AnswerScorer:
    spec, kwargs = options.get("scorer", "statistical"), options.get("scorer_kwargs", {})
    key = _sharing_key(spec, corpus_source, kwargs)
    if key is not None:
        return _shared_scorer(str(spec), corpus_source, key)
    return _build_scorer(spec, corpus, kwargs)


def _build_scorer(spec: Any, corpus: Documents, kwargs: Mapping[str, Any]) -> AnswerScorer:
    scorer: AnswerScorer = find_component("scorer", spec, SCORERS)
    if isinstance(spec, str):
        scorer = call_factory("scorer", scorer, corpus, **kwargs)
    check_component("scorer", scorer, "token_log_probs", "name")
    return scorer


def make_sampler(spec: Any, corpus: Documents, rules: Rules) -> FragmentSampler | None:
    """The sampler that `spec` names, or is; None for `none`. Raises `ConfigurationError`."""
    if spec is None or spec == "none":
        return None
    sampler: FragmentSampler = find_component("sampler", spec, SAMPLERS)
    if isinstance(spec, str):
        sampler = call_factory("sampler", sampler, corpus, rules)
    check_component("sampler", sampler, "sample", "name")
    return sampler


def _sharing_key(spec: Any, corpus_source: Any, kwargs: Mapping[str, Any]) -> str | None:
    """Key under which a component is built once; None where it is made of live objects."""
    if not (isinstance(spec, str) and isinstance(corpus_source, str)):
        return None
    try:
        return json.dumps(dict(kwargs), sort_keys=True)
    except TypeError:
        return None


def _counterfactuals(value: object) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise ConfigurationError(
            f"counterfactuals must be an integer of at least 1, got {value!r}; to measure no "
            "gain pass sampler='none'"
        )
    return value


def _choice(name: str, value: Any, choices: tuple[Any, ...]) -> Any:
    if value not in choices:
        raise unknown_name(name, str(value), choices)
    return value


# Many environments of one process, and the workers of a vector environment, are made from the
# same strings: what is costly to build is built once for each.
@lru_cache(maxsize=4)
def _shared_corpus(source: str) -> Corpus:
    return open_corpus(source)


@lru_cache(maxsize=8)
def _shared_questions(source: str, split: str | None) -> Sequence[Question]:
    return load_questions(source, split=split)


@lru_cache(maxsize=4)
def _shared_retriever(spec: str, corpus_source: str, kwargs: str) -> Retriever:
    return make_retriever(spec, _shared_corpus(corpus_source), **json.loads(kwargs))


@lru_cache(maxsize=4)
def _shared_scorer(spec: str, corpus_source: str, kwargs: str) -> AnswerScorer:
    return _build_scorer(spec, _shared_corpus(corpus_source), json.loads(kwargs))
