"""What a policy achieves without searching for itself: closed-book, RAG, the question as query.

| name | what is written for the policy | what it writes itself |
|---|---|---|
| `closed-book` | `<answer>` at the start | the answer |
| `rag` | a search for the question's own text, then `<answer>` | the answer |
| `question` | a search for the question's own text | everything after the documents |

The first two ask for nothing but an answer, in a prompt without the rules of searching, so that
a model that was never taught the tags is measured too. `question` keeps the policy's own prompt
and allows no further search: it says what the policy's own queries are worth.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from igs_agent.generation import Completion, Generator, Request, Sampling
from igs_agent.policy import Policy
from igs_agent.rollout import RolloutPlan, planned_episodes
from igs_env.actions import neutralise
from igs_env.errors import unknown_name
from igs_env.protocols import Protocol
from igs_env.transition import Rules
from igs_env.types import Question

BASELINES = ("closed-book", "rag", "question")
OPEN, CLOSE = "<answer>", "</answer>"
# No space behind the opened tag: the answer's first token brings its own (trap T2).
INSTRUCTION = "Answer the question with a few words and nothing else.\nQuestion: {question}\n"


def baseline_rules(name: str, rules: Rules) -> Rules:
    """The rules under which a baseline is played; `ConfigurationError` for an unknown name."""
    if name not in BASELINES:
        raise unknown_name("baseline", name, BASELINES)
    protocol = rules.protocol if name == "question" else _answering(rules.protocol)
    return replace(rules, max_searches=1, protocol=protocol)


def _answering(protocol: Protocol) -> Protocol:
    """The protocol without rules of searching; `plain` has none, and is what its policies know."""
    if protocol.name == "plain":
        return protocol
    return replace(protocol, instruction=INSTRUCTION)


class BaselineGenerator:
    """A generator that writes a baseline's part of each turn and lets another write the rest.

    The written part counts as the policy's tokens, with log-probability 0: fit for evaluation and
    not for training.
    """

    def __init__(
        self, name: str, policy: Policy, inner: Generator, questions: Mapping[str, Question]
    ) -> None:
        """Write for the episodes of these questions.

        Args:
            name: one of `BASELINES`.
            policy: encodes and decodes.
            inner: writes what the baseline leaves to the policy.
            questions: episode id → its question; `questions_of_plan` gives them.
        """
        self._name, self._policy, self._inner, self._questions = name, policy, inner, questions

    def generate(self, requests: Sequence[Request], sampling: Sampling) -> list[Completion]:
        """See `Generator.generate`."""
        searching = {request.key for request in requests if self._searches(request)}
        rest = [request for request in requests if request.key not in searching]
        written = self._answers(rest, sampling)
        return [
            self._search(request) if request.key in searching else written[request.key]
            for request in requests
        ]

    def release(self, keys: Iterable[str]) -> None:
        """See `Generator.release`."""
        self._inner.release(keys)

    def _searches(self, request: Request) -> bool:
        return self._name != "closed-book" and request.turn == 0

    def _search(self, request: Request) -> Completion:
        query = neutralise(self._questions[request.key].text)
        return _written(self._policy.encode(f"<search> {query} </search>"))

    def _answers(self, requests: Sequence[Request], sampling: Sampling) -> dict[str, Completion]:
        if self._name == "question":
            completions = self._inner.generate(requests, sampling)
            return {r.key: c for r, c in zip(requests, completions, strict=True)}
        opened, closed = self._policy.encode(OPEN), self._policy.encode(CLOSE)
        room = max(1, sampling.max_tokens - len(opened) - len(closed))
        completions = self._inner.generate(
            [replace(r, token_ids=[*r.token_ids, *opened]) for r in requests],
            replace(sampling, max_tokens=room),
        )
        return {
            request.key: _written([*opened, *self._answer(completion.token_ids), *closed])
            for request, completion in zip(requests, completions, strict=True)
        }

    def _answer(self, ids: Sequence[int]) -> list[int]:
        """The tokens before the first tag, line break or end of text."""
        for count in range(len(ids)):
            text = self._policy.decode(ids[: count + 1])
            if ids[count] in self._policy.eos_ids or "<" in text or "\n" in text.lstrip():
                return list(ids[:count])
        return list(ids)


def questions_of_plan(rules: Rules, plan: RolloutPlan) -> dict[str, Question]:
    """Episode id → question, of every episode that the plan has."""
    return {episode.id: episode.question for episode in planned_episodes(rules, plan)}


def _written(ids: list[int]) -> Completion:
    return Completion(token_ids=ids, log_probs=[0.0] * len(ids), finish="action")
