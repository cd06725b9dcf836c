"""Showing an episode to a person."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

from igs_env.types import Answer, Episode, InformationGain, Invalid, Step

_WIDTH = 96


def render_episode(episode: Episode, gains: Sequence[InformationGain | None] = ()) -> str:
    """An episode as plain text: question, then per step the action, its documents and gain.

    Args:
        episode: any state.
        gains: per step, as far as known.
    """
    lines = [f"Question  {episode.question.text}"]
    for index, step in enumerate(episode.steps):
        gain = gains[index] if index < len(gains) else None
        lines += ["", *_step_lines(index, step, gain)]
    if episode.terminated:
        lines.append(f"          gold: {' | '.join(episode.question.answers)}")
    elif episode.truncated:
        lines += ["", "truncated without an answer"]
    return "\n".join(lines)


def _step_lines(index: int, step: Step, gain: InformationGain | None) -> list[str]:
    label = f"Step {index + 1}".ljust(10)
    if isinstance(step.action, Answer):
        return [f"{label}answer: {step.action.text}"]
    if isinstance(step.action, Invalid):
        return [f"{label}invalid action: {step.action.reason}"]
    return [f"{label}search: {step.action.query}", *_search_lines(step, gain)]


def _search_lines(step: Step, gain: InformationGain | None) -> list[str]:
    if step.retrieval_failed:
        return ["          the retrieval failed"]
    if not step.searched:
        return ["          not carried out: no searches are left"]
    lines = [
        textwrap.shorten(f"{document.title}: {document.text}", _WIDTH - 12, placeholder=" …")
        for document in step.documents
    ]
    return [f"          · {line}" for line in lines] + [f"          {_gain_text(gain)}"]


def _gain_text(gain: InformationGain | None) -> str:
    if gain is None:
        return "gain: not measured"
    error = f" ± {gain.stderr:.2f}" if gain.draws > 1 else ""
    return (
        f"gain {gain.value:+.2f}{error} nats per answer token "
        f"({gain.log_prob_real:.2f} real, {gain.log_prob_counterfactual:.2f} with {gain.source} "
        f"documents, N = {gain.draws}, {gain.scorer} scorer)"
    )
