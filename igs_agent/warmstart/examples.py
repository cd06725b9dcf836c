"""Token sequences for supervised training, from episodes and from documents."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from igs_agent.policy import Policy
from igs_env.types import Document, Episode


@dataclass(frozen=True, slots=True, eq=False)
class Example:
    """One sequence and which of its tokens are learned."""

    ids: NDArray[np.int64]
    """Shape (L,)."""
    learned: NDArray[np.bool_]
    """Shape (L,): predicting this token counts in the loss. Never true at index 0."""


def episode_example(
    policy: Policy,
    episode: Episode,
    turns: int | None = None,
    names: Mapping[str, str] | None = None,
) -> Example:
    """An episode as a rollout would hold it: the policy's outputs are learned, nothing else.

    Args:
        policy: its tokenizer and template are used.
        episode: a finished episode.
        turns: how many of its turns, the last one without its observation; None: all.
        names: name → the name that stands in its place wherever it occurs.
    """
    renamed = _renaming(names or {})
    ids = policy.encode_prompt(renamed(episode.prompt))
    learned = [False] * len(ids)
    for step in episode.steps[:turns]:
        written = policy.encode(renamed(step.output))
        observed = policy.encode(renamed(step.observation))
        ids += [*written, *observed]
        learned += [True] * len(written) + [False] * len(observed)
    if turns is not None:  # nothing learned is behind it
        end = max(index for index, counts in enumerate(learned) if counts) + 1
        ids, learned = ids[:end], learned[:end]
    return Example(np.array(ids), np.array(learned))


def _renaming(names: Mapping[str, str]) -> Callable[[str], str]:
    """All at once, longer names first, whole words only."""
    if not names:
        return lambda text: text
    longest_first = sorted(names, key=len, reverse=True)
    pattern = re.compile(rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)")
    return lambda text: pattern.sub(lambda found: names[found[0]], text)


def document_example(policy: Policy, document: Document) -> Example:
    """A document as plain language modelling: every token but the first is learned."""
    ids = np.array(policy.encode(f"{document.title}: {document.text}\n"))
    return Example(ids, np.arange(len(ids)) > 0)


def batches(
    examples: Sequence[Example], max_tokens: int, random: np.random.Generator
) -> Iterator[list[Example]]:
    """One pass over the examples in batches of similar length, in random order.

    A batch padded to its longest example has at most `max_tokens` tokens, unless one example
    alone has more.
    """
    # A little noise, so that examples of equal length do not always meet the same neighbours.
    lengths = np.array([len(example.ids) for example in examples])
    order = np.argsort(lengths + random.random(len(lengths)) * 8)
    groups: list[list[int]] = [[]]
    for index in order:
        if groups[-1] and (len(groups[-1]) + 1) * lengths[index] > max_tokens:
            groups.append([])
        groups[-1].append(int(index))
    for place in random.permutation(len(groups)):
        yield [examples[index] for index in groups[place]]
