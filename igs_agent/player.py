"""A policy that acts on episodes and remembers the exact tokens of what it read and wrote."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from igs_agent.generation import Completion, Generator, Request, Sampling
from igs_agent.policy import Policy
from igs_agent.trajectory import Provenance, Trajectory, Turn, check
from igs_env.transition import Rules, reward
from igs_env.types import Episode, Search


@dataclass(slots=True)
class _Live:
    """The tokens of an episode so far."""

    ids: list[int]
    provenance: list[int]
    log_probs: list[float]
    turns: list[Turn] = field(default_factory=list)
    pending: Completion | None = None
    """Written, but not answered by the environment yet."""


class Player:
    """Plays episodes of `advance`, of a `SearchEnv` or of a `SearchVectorEnv`.

    Call `act` with the episodes as they stand, hand its outputs to the environment, and again,
    until all are done; `trajectory` then gives the tokens of one and forgets it.
    """

    def __init__(self, policy: Policy, generator: Generator, sampling: Sampling) -> None:
        """Play with this policy.

        Args:
            policy: encodes and decodes.
            generator: continues sequences; must sample from the same policy.
            sampling: how tokens are drawn.
        """
        self.policy = policy
        self.generator = generator
        self.sampling = sampling
        self._live: dict[str, _Live] = {}

    def act(self, episodes: Sequence[Episode]) -> list[str]:
        """The policy's next output for each episode; "" for one that is done or does not fit."""
        playing = [episode for episode in episodes if not episode.done and self.fits(episode)]
        requests = [_request(episode, self._read(episode)) for episode in playing]
        completions = self.generator.generate(requests, self.sampling)
        outputs = {}
        for episode, completion in zip(playing, completions, strict=True):
            self._live[episode.id].pending = completion
            outputs[episode.id] = self.policy.decode(completion.token_ids)
        return [outputs.get(episode.id, "") for episode in episodes]

    def fits(self, episode: Episode) -> bool:
        """Whether the episode's tokens leave room in the policy's context for one more turn."""
        length = len(self._read(episode).ids)
        return length + self.sampling.max_tokens <= self.policy.context_length

    def trajectory(self, rules: Rules, episode: Episode) -> Trajectory:
        """The tokens of an episode that is over, or that no longer fits; it is then forgotten.

        Raises:
            IGSearchError: spans, masks and log-probabilities that do not fit together.
        """
        live = self._read(episode)
        # An environment that went on with "" has steps that the policy never took.
        overflowed = not episode.done or len(episode.steps) > len(live.turns)
        del self._live[episode.id]
        self.generator.release([episode.id])
        if overflowed:
            steps = episode.steps[: len(live.turns)]
            episode = replace(episode, steps=steps, terminated=False, truncated=True)
            _drop_unread(live)
        trajectory = Trajectory(
            episode=episode,
            token_ids=np.array(live.ids, dtype=np.int64),
            provenance=np.array(live.provenance, dtype=np.int8),
            log_probs=np.array(live.log_probs, dtype=np.float32),
            turns=tuple(live.turns),
            reward=reward(rules, episode) if episode.steps else 0.0,
            overflowed=overflowed,
        )
        check(trajectory)
        return trajectory

    def _read(self, episode: Episode) -> _Live:
        """The episode's tokens, up to its last observation."""
        live = self._live.get(episode.id)
        if live is None:
            ids = self.policy.encode_prompt(episode.prompt)
            live = _Live(ids, [Provenance.PROMPT] * len(ids), [0.0] * len(ids))
            self._live[episode.id] = live
        if live.pending is not None and len(episode.steps) > len(live.turns):
            _append(self.policy, live, episode, live.pending)
            live.pending = None
        return live


def _request(episode: Episode, live: _Live) -> Request:
    # Members of a group share the episode's seed; their own draws must differ.
    seed = np.random.SeedSequence([episode.seed, episode.member]).generate_state(1, np.uint64)[0]
    return Request(key=episode.id, token_ids=live.ids, seed=int(seed), turn=len(live.turns))


def _append(policy: Policy, live: _Live, episode: Episode, completion: Completion) -> None:
    """Put a turn's output and observation behind the tokens so far."""
    step = episode.steps[-1]
    observed = policy.encode(step.observation) if step.observation else []
    start = len(live.ids)
    end = start + len(completion.token_ids)
    query = (start, start)
    if isinstance(step.action, Search) and step.searched:
        left, right = token_span(policy, completion.token_ids, step.action.span)
        query = (start + left, start + right)
    live.ids += [*completion.token_ids, *observed]
    live.log_probs += [*completion.log_probs, *[0.0] * len(observed)]
    live.provenance += [Provenance.POLICY] * len(completion.token_ids)
    live.provenance += [Provenance.ENVIRONMENT] * len(observed)
    live.turns.append(
        Turn(
            start=start,
            end=end,
            observation_end=len(live.ids),
            query=query,
            finish=completion.finish,
        )
    )


def _drop_unread(live: _Live) -> None:
    """Take away the last observation, which filled the context and which the policy never read."""
    if live.turns:
        end = live.turns[-1].end
        live.turns[-1] = replace(live.turns[-1], observation_end=end)
        for column in (live.ids, live.provenance, live.log_probs):
            del column[end:]


def token_span(policy: Policy, ids: Sequence[int], span: tuple[int, int]) -> tuple[int, int]:
    """The tokens `[left, right)` that hold the characters `[start, end)` of their decoded text.

    Found on the sampled tokens themselves: a prefix of the tokens decodes to a prefix of the
    text, up to an unfinished character, which decodes to a replacement of length 1 or more and
    is never shorter than what it stands for.
    """
    start, end = span
    lengths = [len(policy.decode(ids[: count + 1])) for count in range(len(ids))]
    left = next(index for index, length in enumerate(lengths) if length > start)
    right = next(index for index, length in enumerate(lengths) if length >= end) + 1
    return left, right
