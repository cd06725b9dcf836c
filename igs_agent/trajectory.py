"""A rollout as the exact tokens that the policy read and wrote."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from igs_env.errors import IGSearchError
from igs_env.types import Episode, InformationGain, Search


class Provenance(IntEnum):
    """Who wrote a token. Only `POLICY` tokens are ever trained on."""

    PROMPT = 0
    """The first observation, with the chat template around it."""
    POLICY = 1
    """Sampled by the policy."""
    ENVIRONMENT = 2
    """Documents, reminders: everything that an observation holds after the first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """Where one step's tokens stand in a trajectory."""

    start: int
    """First token of the output."""
    end: int
    """Behind the output's last token."""
    observation_end: int
    """Behind the observation's last token; equals `end` when nothing was observed."""
    query: tuple[int, int]
    """`[start, end)` of the tokens that hold the query's text; empty for other actions."""
    finish: str
    """Why generation stopped: `action`, `eos` or `length`."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Trajectory:
    """One rollout. `check` refuses one whose parts do not fit together."""

    episode: Episode
    token_ids: NDArray[np.int64]
    """Shape (L,)."""
    provenance: NDArray[np.int8]
    """Shape (L,): `Provenance` of each token."""
    log_probs: NDArray[np.float32]
    """Shape (L,): sampled log-probability of policy tokens in nats, 0 elsewhere."""
    turns: tuple[Turn, ...]
    """One per step of the episode."""
    reward: float
    attempt: int = 0
    """Number of the attempt within one context; 0 where there is only one."""
    previous: str | None = None
    """Id of the episode that this one is another attempt after."""
    overflowed: bool = False
    """The context was full before the episode was over; it then counts as truncated."""
    gains: tuple[InformationGain | None, ...] = ()
    """One per step once measured."""
    answer_log_probs: tuple[float | None, ...] = ()
    """Log-probability of the gold answer at the start of each step, nats per answer token, once
    measured."""
    transfers: tuple[float | None, ...] = ()
    """How much each search's documents raise the next query's log-probability, nats per query
    token, once measured."""
    relays: tuple[float | None, ...] = ()
    """What each search makes possible for the question's other rollouts, nats per answer token,
    once measured."""

    @property
    def step_index(self) -> NDArray[np.int64]:
        """Shape (L,): the step that each token belongs to, −1 for the prompt."""
        index = np.full(len(self.token_ids), -1)
        for step, turn in enumerate(self.turns):
            index[turn.start : turn.observation_end] = step
        return index

    @property
    def is_policy(self) -> NDArray[np.bool_]:
        """Shape (L,): written by the policy."""
        return np.asarray(self.provenance == Provenance.POLICY)

    @property
    def is_query(self) -> NDArray[np.bool_]:
        """Shape (L,): holds text of a query that was carried out."""
        mask = np.zeros(len(self.token_ids), dtype=np.bool_)
        for turn in self.turns:
            mask[slice(*turn.query)] = True
        return mask

    @property
    def truncated(self) -> bool:
        """Ended without an answer, for whatever reason."""
        return self.overflowed or self.episode.truncated

    @property
    def retrieval_failed(self) -> bool:
        """A search failed: what the policy did is not to blame, the rollout is not trained on."""
        return any(step.retrieval_failed for step in self.episode.steps)


def check(trajectory: Trajectory) -> None:
    """Raise `IGSearchError` unless spans, masks and log-probabilities fit together.

    Training on a trajectory whose masks are off by one is silent and fatal; this is cheap.
    """
    length = len(trajectory.token_ids)
    where = f"trajectory {trajectory.episode.id}"
    for name in ("provenance", "log_probs"):
        if len(getattr(trajectory, name)) != length:
            raise IGSearchError(f"{where}: {name} does not have one value per token")
    if len(trajectory.turns) != len(trajectory.episode.steps):
        raise IGSearchError(
            f"{where}: {len(trajectory.turns)} turns for {len(trajectory.episode.steps)} steps"
        )
    at = trajectory.turns[0].start if trajectory.turns else length
    expected = np.full(length, Provenance.PROMPT, dtype=np.int8)
    for step, turn in zip(trajectory.episode.steps, trajectory.turns, strict=True):
        if not at == turn.start < turn.end <= turn.observation_end:
            raise IGSearchError(f"{where}: the spans of its turns do not follow each other: {turn}")
        expected[turn.start : turn.end] = Provenance.POLICY
        expected[turn.end : turn.observation_end] = Provenance.ENVIRONMENT
        at = turn.observation_end
        left, right = turn.query
        if left < right and not turn.start <= left < right <= turn.end:
            raise IGSearchError(f"{where}: a query lies outside its output: {turn}")
        if isinstance(step.action, Search) and step.searched and left == right:
            raise IGSearchError(f"{where}: a search without query tokens: {step.output!r}")
    if at != length or not np.array_equal(expected, trajectory.provenance):
        raise IGSearchError(f"{where}: provenance contradicts the spans of its turns")
    policy = trajectory.log_probs[trajectory.is_policy]
    if not np.isfinite(policy).all() or (policy > 1e-4).any():
        raise IGSearchError(f"{where}: a log-probability is not finite or above 0")
