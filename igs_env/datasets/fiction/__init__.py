"""Made-up worlds of any size up to 1,000,000 documents, for controlled experiments and scale.

`fiction:documents=500,facts=1,words=0,hops=1-3` names a world and its questions. One string
serves for the corpus and for the questions: the corpus takes no notice of `hops` and `questions`.
Worlds differ in every fact, name and sentence as soon as one of the other knobs differs.
"""

from __future__ import annotations

from itertools import islice

from igs_env.datasets.fiction.corpus import FictionCorpus
from igs_env.datasets.fiction.names import names_of
from igs_env.datasets.fiction.paths import SHARES, paths
from igs_env.datasets.fiction.questions import question_of
from igs_env.datasets.fiction.world import World
from igs_env.errors import ConfigurationError, DataError, unknown_name
from igs_env.types import Question

__all__ = ["FictionCorpus", "World", "corpus", "questions"]

MAX_HOPS = 4


def corpus(
    *,
    documents: int = 20_000,
    seed: int = 0,
    facts: int = 4,
    paraphrase: int = 3,
    words: int = 40,
    distractors: float = 0.2,
    link_noise: float = 0.5,
    hops: int | str = "1-3",
    questions: int = 10_000,
) -> FictionCorpus:
    """Documents of the world with these knobs; see `World` for what each does.

    `hops` and `questions` change nothing: they are taken so that one string serves for both.
    """
    return FictionCorpus(
        World(
            documents=documents,
            seed=seed,
            facts=facts,
            paraphrase=paraphrase,
            words=words,
            distractors=distractors,
            link_noise=link_noise,
        )
    )


def questions(
    *,
    split: str = "train",
    hops: int | str = "1-3",
    questions: int = 10_000,
    documents: int = 20_000,
    seed: int = 0,
    facts: int = 4,
    paraphrase: int = 3,
    words: int = 40,
    distractors: float = 0.2,
    link_noise: float = 0.5,
) -> tuple[Question, ...]:
    """Questions about the world with these knobs.

    Args:
        split: `train`, `dev` or `test`; no (start, relations) is in two of them.
        hops: a number, or a range such as `1-3`; up to 4.
        questions: at most this many for train, a tenth of it for dev and for test. A small
            world has fewer.
        documents: see `World`, as for all that follow.

    Raises:
        ConfigurationError: a knob out of its range.
        DataError: the world has no such question.

    >>> world = "documents=500,facts=1"
    >>> first = questions(split="dev", hops=2, documents=500, facts=1)[0]
    >>> len(first.gold_documents), len(first.metadata["queries"])
    (2, 2)
    """
    if split not in SHARES:
        raise unknown_name("split of fiction", split, SHARES)
    told = corpus(
        documents=documents,
        seed=seed,
        facts=facts,
        paraphrase=paraphrase,
        words=words,
        distractors=distractors,
        link_noise=link_noise,
    )
    world, names = told.world, names_of(told.world)
    wanted = _wanted(questions, split)
    found = islice(paths(world, split, _hops(hops)), wanted)
    made = tuple(question_of(world, names, path, split) for path in found)
    if not made:
        raise DataError(
            f"fiction: no {split} question of {hops} hops in {documents} documents with {facts} "
            "facts each; raise documents or facts"
        )
    return made


def _wanted(questions: object, split: str) -> int:
    if isinstance(questions, bool) or not isinstance(questions, int) or questions < 10:
        raise ConfigurationError(f"fiction: questions is {questions!r}; give at least 10")
    return questions if split == "train" else questions // 10


def _hops(hops: int | str) -> range:
    low, dash, high = str(hops).partition("-")
    if low.isdecimal() and (high.isdecimal() if dash else True):
        first, last = int(low), int(high) if dash else int(low)
        if 1 <= first <= last <= MAX_HOPS:
            return range(first, last + 1)
    raise ConfigurationError(
        f"fiction: hops is {hops!r}; give a number from 1 to {MAX_HOPS}, or a range such as 1-3"
    )
