"""The context that a target is scored in: an episode up to a step, with documents replaced."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from igs_env.prompt import refine_end, render_documents
from igs_env.types import Episode, Fragment


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreRequest:
    """A target text whose log-probability is asked for, in a real or altered context."""

    episode: Episode
    step: int
    """Index of the step that ends the context: everything up to and including its observation;
    −1 for the prompt alone."""
    target: str
    """Text that is scored, for a gain the gold answer."""
    probe: str
    """Text between context and target, for a gain the opened answer tag."""
    probe_end: str = ""
    """Text behind the target, tokenised with it and not scored."""
    replacements: Mapping[int, Fragment] = field(default_factory=dict)
    """Step index → what stands there instead of the step's own documents."""
    through_refine: bool = False
    """The context goes on through the refine block that follows the step's documents."""


def render_context(request: ScoreRequest) -> str:
    """The context of a request as text, replacements applied; the probe comes behind it."""
    episode = request.episode
    parts = [episode.prompt]
    for index, step in enumerate(episode.steps[: request.step + 1]):
        parts.append(step.output)
        if index in request.replacements:
            documents = request.replacements[index].documents
            parts.append(render_documents(episode.protocol, documents))
        else:
            parts.append(step.observation)
    parts.append(shown_refine(request) or "")
    return "".join(parts)


def shown_fragments(request: ScoreRequest) -> list[Fragment]:
    """What each search of a request's context brought, replacements applied."""
    return [
        request.replacements.get(index, Fragment(documents=step.documents))
        for index, step in enumerate(request.episode.steps[: request.step + 1])
        if step.searched
    ]


def shown_refine(request: ScoreRequest) -> str | None:
    """The refine text that ends a request's context, or None where it ends with documents."""
    if not request.through_refine:
        return None
    if request.step in request.replacements:
        return request.replacements[request.step].refine
    return refine_after(request.episode, request.step)


def fragments(episode: Episode) -> list[Fragment]:
    """What each search of an episode brought, with the refine text that follows it."""
    return [
        Fragment(
            documents=step.documents,
            refine=refine_after(episode, index),
            origin=(episode.id, index),
        )
        for index, step in enumerate(episode.steps)
        if step.searched and step.documents
    ]


def refine_after(episode: Episode, step: int) -> str | None:
    """The policy's text from a step's documents through its refine block, or None.

    The block stands in the next output, before that output's own action.
    """
    if not episode.protocol.refine or step + 1 >= len(episode.steps):
        return None
    output = episode.steps[step + 1].output
    end = refine_end(output)
    return None if end is None else output[:end]
