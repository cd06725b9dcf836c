"""Rewards of a finished episode, by name."""

from __future__ import annotations

from collections.abc import Callable

from igs_env.answers import exact_match, f1, normalise_answer
from igs_env.prompt import refine_end
from igs_env.types import Answer, Episode

Reward = Callable[[Episode], float]
"""Finished episode → reward. Called once, on the episode's last step."""


def final_answer(episode: Episode) -> str | None:
    """The answer given, read from the responses only, or None.

    The prompt's own example (`<answer> Beijing </answer>`) is never scored (trap T5 of
    Search-R1's published scorer, which reads prompt and response together).
    """
    if not episode.steps or not isinstance(episode.steps[-1].action, Answer):
        return None
    return episode.steps[-1].action.text


def em(episode: Episode) -> float:
    """Exact match of the final answer over all aliases; 0.0 without an answer."""
    answer = final_answer(episode)
    return 0.0 if answer is None else exact_match(answer, episode.question.answers)


def token_f1(episode: Episode) -> float:
    """Token F1 of the final answer over all aliases; 0.0 without an answer."""
    answer = final_answer(episode)
    return 0.0 if answer is None else f1(answer, episode.question.answers)


def staircase(episode: Episode) -> float:
    """AutoRefine's reward, which IG-Search keeps (arXiv 2505.11277; 2604.15148, section 4).

    Token F1 of the answer if it is above 0; else 0.1 if a normalised gold answer occurs in a
    refine block; else 0.

    Differs: gold answers that normalise to nothing (an article, punctuation) never count as
    found, since the empty string occurs everywhere.
    """
    score = token_f1(episode)
    if score > 0.0:
        return score
    refined = normalise_answer(" ".join(refine_blocks(episode)))
    golds = filter(None, map(normalise_answer, episode.question.answers))
    return 0.1 if any(gold in refined for gold in golds) else 0.0


def refine_blocks(episode: Episode) -> list[str]:
    """Inner texts of the complete refine blocks, one at most per output."""
    blocks = []
    for step in episode.steps:
        end = refine_end(step.output)
        if end is not None:
            start = step.output.index("<refine>") + len("<refine>")
            blocks.append(step.output[start : end - len("</refine>")])
    return blocks


REWARDS: dict[str, Reward] = {"em": em, "f1": token_f1, "staircase": staircase}
