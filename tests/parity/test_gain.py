"""Our gain is the number that IG-Search's published file computes on the same token sequences."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from recorded_cases import cases

from igs_env.contexts import ScoreRequest
from igs_env.information_gain import (
    GainRequest,
    LogProbs,
    head_weighted_log_prob,
    mean_log_prob,
    measure_information_gain,
)
from igs_env.protocols import PROTOCOLS
from igs_env.types import Document, Episode, Fragment, Question, Search, Step


@dataclass(frozen=True)
class Recorded:
    """Scores a target with the recorded log-probabilities of its context."""

    log_probs: list[Any]
    name: str = "recorded"

    def token_log_probs(self, requests: Sequence[ScoreRequest]) -> list[LogProbs]:
        found = []
        for request in requests:
            replaced = request.replacements.get(request.step)
            context = 1 + int(replaced.documents[0].id) if replaced else 0
            targets = self.log_probs[request.episode.member][request.step][context]
            found.append(np.array(targets[request.episode.question.answers.index(request.target)]))
        return found


class Numbered:
    """Draws documents that are called by the number of the draw."""

    name = "numbered"

    def sample(self, *_: Any, draws: int, **__: Any) -> tuple[Fragment, ...]:
        return tuple(Fragment(documents=(document(str(draw)),)) for draw in range(draws))


def document(id: str) -> Document:
    return Document(id=id, title=id, text="text")


def episode(member: int, steps: int, answers: int) -> Episode:
    step = Step(
        output="<search>q</search>",
        action=Search(query="q", span=(8, 9), end=18),
        observation="documents",
        documents=(document("real"),),
        searched=True,
    )
    return Episode(
        id=str(member),
        question=Question(id="q", text="?", answers=tuple(f"gold {a}" for a in range(answers))),
        protocol=PROTOCOLS["autorefine"],
        group_id="q",
        member=member,
        seed=0,
        prompt="?",
        steps=(step,) * steps,
    )


def gains(log_probs: list[Any], aliases: str, average: Callable[[LogProbs], float]) -> list[Any]:
    requests = [
        GainRequest(episode=episode(member, len(steps), len(steps[0][0])), step=step)
        for member, steps in enumerate(log_probs)
        for step in range(len(steps))
    ]
    found = measure_information_gain(
        requests, Recorded(log_probs), Numbered(), draws=3, aliases=aliases, average=average
    )
    return [gain.value for gain in found if gain is not None]


@pytest.mark.parametrize(
    ("weighting", "average"), [("mean", mean_log_prob), ("head_weighted", head_weighted_log_prob)]
)
def test_the_gain_equals_the_published_files(
    weighting: str, average: Callable[[LogProbs], float]
) -> None:
    for case in cases("ig_search"):
        found = gains(case["inputs"]["log_probs"], case["options"]["aliases"], average)
        theirs = [gain for rollout in case["outputs"][weighting] for gain in rollout]
        assert found == pytest.approx(theirs, abs=1e-6)


def test_the_published_file_takes_the_best_of_several_answers_and_we_the_first() -> None:
    several = [case for case in cases("ig_search") if case["options"]["aliases"] == "best"]
    assert len(several) == 2
    for case in several:
        theirs = [gain for rollout in case["outputs"]["mean"] for gain in rollout]
        assert gains(case["inputs"]["log_probs"], "first", mean_log_prob) != pytest.approx(theirs)
