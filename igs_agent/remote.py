"""A policy behind an OpenAI-compatible endpoint: it plays episodes by text, and is only judged.

No token ids come back, so that nothing can be trained on what it plays; for that see
`igs_agent.generation.server`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from igs_agent.generation.contract import Sampling
from igs_agent.generation.endpoint import Endpoint, ServerError
from igs_agent.rollout import RolloutPlan, planned_episodes
from igs_env.actions import action_end
from igs_env.transition import Rules, advance
from igs_env.types import Episode

ROUTES = {"chat": "/v1/chat/completions", "plain": "/v1/completions"}
_STOPS = ("</search>", "</answer>")


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoteEpisode:
    """An episode that is over, and what it cost."""

    episode: Episode
    tokens: int | None
    """Tokens that the policy wrote, as the server counts them; None where it does not."""


class RemotePolicy:
    """Writes the next output of an episode by one request per turn.

    `chat`: the prompt and every observation are a user's messages, the outputs an assistant's.
    `plain`: the transcript so far is continued, which is what base models know.
    """

    def __init__(
        self,
        url: str,
        *,
        model: str | None = None,
        template: Literal["plain", "chat"] = "chat",
        connections: int = 16,
        timeout: float = 600.0,
    ) -> None:
        """Ask the server which model it has, unless one is named.

        Args:
            url: such as `http://127.0.0.1:8000/v1`; a key is taken from `IGS_SERVER_KEY`.
            model: its name there.
            template: how an episode is put.
            connections: requests under way at once.
            timeout: seconds for a whole answer.

        Raises:
            ServerError: it cannot be reached, or serves nothing.
        """
        self.template = template
        self.endpoint = Endpoint(url, connections=connections, timeout=timeout)
        self.model = model or self.endpoint.only_model()

    def act(self, episodes: Sequence[Episode], sampling: Sampling) -> list[tuple[str, int | None]]:
        """(output, tokens it cost) of each episode, which must not be over."""
        return self.endpoint.map(lambda episode: self._write(episode, sampling), episodes)

    def close(self) -> None:
        """Close the connections."""
        self.endpoint.close()

    def _write(self, episode: Episode, sampling: Sampling) -> tuple[str, int | None]:
        answer = self.endpoint.post(ROUTES[self.template], self._request(episode, sampling))
        choices = answer.get("choices") if isinstance(answer, dict) else None
        if not choices:
            raise ServerError(f"{self.endpoint.url} answered without choices: {str(answer)[:200]}")
        choice = choices[0]
        text = choice["message"]["content"] if self.template == "chat" else choice["text"]
        usage = answer.get("usage") or {}
        return _closed(text or "", choice), usage.get("completion_tokens")

    def _request(self, episode: Episode, sampling: Sampling) -> dict[str, Any]:
        seed = np.random.SeedSequence([episode.seed, episode.member, len(episode.steps)])
        request = {
            "model": self.model,
            "max_tokens": sampling.max_tokens,
            "temperature": sampling.temperature,
            "top_p": sampling.top_p,
            "seed": int(seed.generate_state(1)[0]) % 2**31,
            "stop": list(_STOPS),
        }
        if self.template == "chat":
            return {**request, "messages": _messages(episode)}
        return {**request, "prompt": episode.transcript}


def play_remote(
    rules: Rules,
    policy: RemotePolicy,
    plan: RolloutPlan,
    sampling: Sampling,
    *,
    max_rows: int = 256,
) -> list[RemoteEpisode]:
    """Play every episode of the plan to its end, in the plan's order. See `rollout`.

    Raises:
        ServerError: the server failed; nothing of the batch is kept.
    """
    waiting = planned_episodes(rules, plan)
    order = [episode.id for episode in waiting]
    tokens: dict[str, int | None] = dict.fromkeys(order, 0)
    finished: dict[str, Episode] = {}
    alive: list[Episode] = []
    while waiting or alive:
        room = max_rows - len(alive)
        alive, waiting = alive + waiting[:room], waiting[room:]
        outputs = policy.act(alive, sampling)
        for episode, (_, cost) in zip(alive, outputs, strict=True):
            known = tokens[episode.id]
            tokens[episode.id] = None if known is None or cost is None else known + cost
        alive = advance(rules, alive, [text for text, _ in outputs])
        finished |= {episode.id: episode for episode in alive if episode.done}
        alive = [episode for episode in alive if not episode.done]
    return [RemoteEpisode(episode=finished[id], tokens=tokens[id]) for id in order]


def _messages(episode: Episode) -> list[dict[str, str]]:
    messages = [{"role": "user", "content": episode.prompt}]
    for step in episode.steps:
        messages.append({"role": "assistant", "content": step.output})
        messages.append({"role": "user", "content": step.observation})
    return messages


def _closed(text: str, choice: dict[str, Any]) -> str:
    """The output with the closing tag at which the server stopped, which OpenAI's dialect omits.

    vLLM says which stop it was; elsewhere `finish_reason: stop` behind an open tag can also be the
    model's own end, and is then taken for the tag.
    """
    stopped = choice.get("stop_reason")
    if action_end(text) is not None or choice.get("finish_reason") != "stop":
        return text
    if stopped is not None:
        return text + stopped if stopped in _STOPS else text
    last = max(("<search>", "<answer>"), key=text.rfind)
    return text + last.replace("<", "</") if last in text else text
