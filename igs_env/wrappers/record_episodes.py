"""Finished episodes as JSON lines."""

from __future__ import annotations

import json
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import gymnasium as gym

from igs_env.errors import ConfigurationError
from igs_env.types import Answer, Episode, InformationGain, Invalid, Step
from igs_env.wrappers.inner import current_episode, inner_env


class RecordEpisodes(gym.Wrapper[Any, Any, Any, Any], gym.utils.RecordConstructorArgs):
    """Appends one line per finished episode, flushed at once, so that a kill loses none.

    A line holds question, answers, and per step the output, action, query, document ids and
    the gain with its draws; the last step's reward; and how the episode ended.
    """

    def __init__(self, env: gym.Env[Any, Any], path: str | PathLike[str]) -> None:
        """Append to `path`; its folder must exist."""
        gym.utils.RecordConstructorArgs.__init__(self, path=fspath(path))
        super().__init__(env)
        try:
            self._file = Path(path).open(  # noqa: SIM115 - open as long as the wrapper is
                "a", encoding="utf-8", errors="backslashreplace"
            )
        except OSError as error:
            raise ConfigurationError(f"episodes cannot be recorded in {path}: {error}") from error

    def step(self, action: Any) -> tuple[Any, Any, bool, bool, dict[str, Any]]:
        """As of the wrapped environment; a finished episode is written."""
        observation, reward, terminated, truncated, info = super().step(action)
        if terminated or truncated:
            gains = inner_env(self).gains
            row = {**episode_record(current_episode(self), gains), "reward": float(reward)}
            self._file.write(f"{json.dumps(row, ensure_ascii=False)}\n")
            self._file.flush()
        return observation, reward, terminated, truncated, info

    def close(self) -> None:
        """Close the file and the environment; again is no error."""
        self._file.close()
        super().close()


def episode_record(episode: Episode, gains: tuple[InformationGain | None, ...]) -> dict[str, Any]:
    """An episode as JSON types."""
    return {
        "question_id": episode.question.id,
        "group_id": episode.group_id,
        "question": episode.question.text,
        "answers": list(episode.question.answers),
        "prompt": episode.prompt,
        "steps": [
            _step_record(step, gains[index] if index < len(gains) else None)
            for index, step in enumerate(episode.steps)
        ],
        "terminated": episode.terminated,
        "truncated": episode.truncated,
    }


def _step_record(step: Step, gain: InformationGain | None) -> dict[str, Any]:
    action = step.action
    kind = "invalid" if isinstance(action, Invalid) else "search"
    text = None if isinstance(action, Invalid) else getattr(action, "query", None)
    if isinstance(action, Answer):
        kind, text = "answer", action.text
    return {
        "action": kind,
        "text": text,
        "output": step.output,
        "documents": [document.id for document in step.documents],
        "retrieval_failed": step.retrieval_failed,
        "gain": None
        if gain is None
        else {
            "value": gain.value,
            "stderr": gain.stderr,
            "log_prob_real": gain.log_prob_real,
            "log_probs_counterfactual": list(gain.log_probs_counterfactual),
            "counterfactual_ids": [list(ids) for ids in gain.counterfactual_ids],
            "answer_in_counterfactual": gain.answer_in_counterfactual,
            "source": gain.source,
            "scorer": gain.scorer,
        },
    }
