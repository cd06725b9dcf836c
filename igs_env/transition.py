"""The rules of an episode, once: how a batch of episodes answers a batch of outputs.

`SearchEnv` is a batch of one, `SearchVectorEnv` a public shell for many, and a trainer's
rollout engine calls `advance` on whichever episodes are ready.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from igs_env.actions import parse_action
from igs_env.errors import ConfigurationError, RetrievalError
from igs_env.prompt import clean_documents, render_documents, render_prompt
from igs_env.protocols import Protocol
from igs_env.retrievers.contract import Retriever, search_each
from igs_env.rewards import Reward
from igs_env.types import Action, Answer, Document, Episode, Invalid, Question, Search, Step

logger = logging.getLogger(__name__)

EXTRA_STEPS = 3
"""Steps beyond `max_searches` before an episode without an answer is truncated."""
NOT_SEARCHED: Literal["not searched"] = "not searched"
FAILED: Literal["failed"] = "failed"
Found = tuple[Document, ...] | Literal["failed"]

MAX_QUERY_LENGTH = 1000
"""Characters of a query that reach the retriever; the transcript keeps the whole of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What `advance` needs to know; shared by every episode of an environment."""

    protocol: Protocol
    retriever: Retriever
    reward: Reward
    top_k: int = 3
    """Documents per search (IG-Search, section 5: 3)."""
    max_searches: int = 5
    """Searches that are carried out per episode (IG-Search, section 5: 5)."""
    max_document_length: int = 1200
    """Greatest `length` of one document's text."""
    length: Callable[[str], int] = len
    """Size of a text: characters by default, an agent passes its tokenizer's count."""

    def __post_init__(self) -> None:
        """Refuse limits that no episode could satisfy."""
        for name in ("top_k", "max_searches", "max_document_length"):
            value = getattr(self, name)
            if isinstance(value, bool) or not isinstance(value, int) or value < 1:
                raise ConfigurationError(f"{name} must be an integer of at least 1, got {value!r}")

    @property
    def max_steps(self) -> int:
        """Steps after which an episode without an answer is truncated."""
        return self.max_searches + EXTRA_STEPS


def begin(
    rules: Rules, question: Question, *, group_id: str, seed: int, member: int = 0
) -> Episode:
    """A fresh episode: nothing but its prompt."""
    return Episode(
        id=f"{group_id}/{member}",
        question=question,
        protocol=rules.protocol,
        group_id=group_id,
        member=member,
        seed=seed,
        prompt=render_prompt(rules.protocol, question),
    )


def advance(rules: Rules, episodes: Sequence[Episode], outputs: Sequence[str]) -> list[Episode]:
    """Each episode after its output: one more step, all searches in one retrieval call.

    Args:
        rules: shared by all episodes.
        episodes: none of them done.
        outputs: one model output per episode; any string is accepted.

    A search whose retrieval fails ends its episode as truncated, with
    `Step.retrieval_failed` set: no text about the failure enters a transcript and no reward
    is due. The failure is logged as a warning.
    """
    actions = [parse_action(output) for output in outputs]
    wanted = [
        index
        for index, (episode, action) in enumerate(zip(episodes, actions, strict=True))
        if isinstance(action, Search) and may_search(rules, episode)
    ]
    queries = [retrieval_query(actions[index].query) for index in wanted]  # type: ignore[union-attr]
    results = dict(zip(wanted, _retrieve(rules, queries), strict=True))
    return [
        _after(rules, episode, _step(rules, output, action, results.get(index, NOT_SEARCHED)))
        for index, (episode, output, action) in enumerate(
            zip(episodes, outputs, actions, strict=True)
        )
    ]


def may_search(rules: Rules, episode: Episode) -> bool:
    """A search would be carried out: not yet `max_searches` of the episode's were."""
    return len(episode.steps) < rules.max_searches or episode.searches < rules.max_searches


def reward(rules: Rules, episode: Episode) -> float:
    """Reward of an episode's newest step: the task's reward once the episode is over, else 0.0.

    An episode that a failed retrieval ended has no reward either; `Step.retrieval_failed` tells
    it from one that deserved 0.
    """
    if not episode.done or episode.steps[-1].retrieval_failed:
        return 0.0
    return float(rules.reward(episode))


def retrieval_query(query: str) -> str:
    """The query as a retriever gets it: one line of valid Unicode of bounded length.

    >>> retrieval_query("capital\\n of  Peru")
    'capital of Peru'
    """
    if not query.isascii():  # of what is not, a lone surrogate cannot be sent
        query = query.encode("utf-8", "replace").decode("utf-8")
    return " ".join(query.split())[:MAX_QUERY_LENGTH]


def _retrieve(rules: Rules, queries: Sequence[str]) -> list[Found]:
    if not queries:
        return []
    found = search_each(rules.retriever, queries, rules.top_k)
    failures = [each for each in found if isinstance(each, RetrievalError)]
    if failures:
        logger.warning("%d of %d searches failed: %s", len(failures), len(found), failures[0])
    return [
        FAILED
        if isinstance(documents, RetrievalError)
        else clean_documents(documents, limit=rules.max_document_length, length=rules.length)
        for documents in found
    ]


def _step(
    rules: Rules, output: str, action: Action, found: Found | Literal["not searched"]
) -> Step:
    protocol = rules.protocol
    kept, discarded = output[: action.end], len(output) - action.end
    if isinstance(action, Answer):
        return Step(output=kept, action=action, observation="", discarded=discarded)
    if isinstance(action, Invalid):
        return Step(output=kept, action=action, observation=protocol.reminder, discarded=discarded)
    if found == NOT_SEARCHED:
        return Step(output=kept, action=action, observation=protocol.exhausted, discarded=discarded)
    if found == FAILED:
        return Step(
            output=kept, action=action, observation="", retrieval_failed=True, discarded=discarded
        )
    return Step(
        output=kept,
        action=action,
        observation=render_documents(protocol, found),
        documents=found,
        searched=True,
        discarded=discarded,
    )


def _after(rules: Rules, episode: Episode, step: Step) -> Episode:
    terminated = isinstance(step.action, Answer)
    out_of_steps = len(episode.steps) + 1 >= rules.max_steps
    truncated = not terminated and (step.retrieval_failed or out_of_steps)
    return episode.after(step, terminated=terminated, truncated=truncated)
