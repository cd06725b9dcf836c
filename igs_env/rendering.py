"""Showing an episode to a person."""

from __future__ import annotations

import textwrap
import unicodedata
from collections.abc import Sequence

from igs_env.types import Answer, Episode, InformationGain, Invalid, Step

_WIDTH = 96


def render_episode(
    episode: Episode,
    gains: Sequence[InformationGain | None] | None = None,
    *,
    show_gold: bool = True,
) -> str:
    """An episode as plain text: question, then per step the action, its documents and gain.

    Args:
        episode: any state.
        gains: per step, as far as known; None leaves gains out.
        show_gold: say what the gold answers were, once the episode is over.
    """
    lines = [f"Question  {episode.question.text}"]
    for index, step in enumerate(episode.steps):
        known = gains is not None and index < len(gains)
        gain = gains[index] if gains is not None and known else None
        lines += ["", render_step(index, step, gain, show_gain=gains is not None)]
    if episode.terminated and show_gold:
        lines.append(f"          gold: {' | '.join(episode.question.answers)}")
    elif episode.truncated:
        lines += ["", "truncated without an answer"]
    return printable("\n".join(lines))


def render_step(
    index: int, step: Step, gain: InformationGain | None, *, show_gain: bool = True
) -> str:
    """One step as plain text: its action, what it brought, and what that was worth."""
    lines = _step_lines(index, step)
    if show_gain and step.searched:
        lines.append(f"          {_gain_text(gain)}")
    return printable("\n".join(lines))


def printable(text: str) -> str:
    """`text` without control characters, which a terminal would obey, but for line breaks.

    >>> printable("a\x1b[31mb")
    'a[31mb'
    """
    return "".join(c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")


def _step_lines(index: int, step: Step) -> list[str]:
    label = f"Step {index + 1}".ljust(10)
    if isinstance(step.action, Answer):
        return [f"{label}answer: {step.action.text}"]
    if isinstance(step.action, Invalid):
        return [f"{label}invalid action: {step.action.reason}"]
    return [f"{label}search: {step.action.query}", *_search_lines(step)]


def _search_lines(step: Step) -> list[str]:
    if step.retrieval_failed:
        return ["          the retrieval failed"]
    if not step.searched:
        return ["          not carried out: no searches are left"]
    lines = [
        textwrap.shorten(f"{document.title}: {document.text}", _WIDTH - 12, placeholder=" …")
        for document in step.documents
    ]
    return [f"          · {line}" for line in lines]


def _gain_text(gain: InformationGain | None) -> str:
    if gain is None:
        return "gain: not measured"
    error = f" ± {gain.stderr:.2f}" if gain.draws > 1 else ""
    return (
        f"gain {gain.value:+z.2f}{error} nats per answer token "
        f"({gain.log_prob_real:z.2f} real, {gain.log_prob_counterfactual:z.2f} with {gain.source} "
        f"documents, N = {gain.draws}, {gain.scorer} scorer)"
    )
