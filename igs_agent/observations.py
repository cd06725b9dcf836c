"""Which steps were taken from the same observation: the states that GiGPO compares within."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

import torch
from jaxtyping import Int
from torch import Tensor

from igs_agent.trajectory import Trajectory
from igs_env.types import Episode


def observation_clusters(
    trajectories: Sequence[Trajectory], steps: int, similarity: float = 1.0
) -> Int[Tensor, "R S"]:
    """A number per step: equal where question and observation are the same, 0 where no step is.

    The observation is what the policy was shown last: the prompt before the first step.

    Args:
        trajectories: rows of the table.
        steps: columns of the table.
        similarity: below 1, a step joins the question's first cluster whose first observation
            is that similar (`difflib`'s ratio, as in GiGPO's published code for search), in the
            order of rows and steps.
    """
    clusters: dict[str, _Clusters] = {}
    numbers = torch.zeros(len(trajectories), steps, dtype=torch.long)
    count = 0
    for row, trajectory in enumerate(trajectories):
        episode = trajectory.episode
        own = clusters.setdefault(episode.group_id, _Clusters(similarity))
        for column in range(len(trajectory.turns)):
            # 0 is left to padding.
            number = own.number(_seen(episode, column), count + 1)
            numbers[row, column] = number
            count = max(count, number)
    return numbers


class _Clusters:
    """Observations of one question, each cluster known by the first that it was met with."""

    def __init__(self, similarity: float) -> None:
        self._similarity = similarity
        self._numbers: dict[str, int] = {}
        self._firsts: list[str] = []

    def number(self, text: str, fresh: int) -> int:
        """The cluster that the observation belongs to, `fresh` for a new one."""
        if text not in self._numbers:
            alike = next((first for first in self._firsts if self._alike(text, first)), None)
            if alike is None:
                self._firsts.append(text)
            self._numbers[text] = fresh if alike is None else self._numbers[alike]
        return self._numbers[text]

    def _alike(self, text: str, first: str) -> bool:
        if self._similarity >= 1:
            return False
        matcher = SequenceMatcher(None, text, first)
        # Two cheap upper bounds first: the ratio itself is quadratic in the length.
        return (
            matcher.real_quick_ratio() >= self._similarity
            and matcher.quick_ratio() >= self._similarity
            and matcher.ratio() >= self._similarity
        )


def _seen(episode: Episode, step: int) -> str:
    return episode.prompt if step == 0 else episode.steps[step - 1].observation
