"""The contexts of score requests as tokens: where each leaves its trajectory, and with what."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from igs_agent.policy import Policy
from igs_agent.trajectory import Trajectory
from igs_env.contexts import ScoreRequest
from igs_env.errors import ConfigurationError
from igs_env.prompt import render_documents


@dataclass(frozen=True, slots=True)
class Branch:
    """Tokens that follow the first `at` ones of a trajectory instead of its own."""

    at: int
    """Tokens of the trajectory that stand before the branch."""
    ids: list[int]
    target: slice
    """Which of `ids` are scored; index 0 never is, since the probe stands before a target."""


class Branches:
    """Score requests on trajectories, in the exact ids that the policy read and wrote.

    A real context is a prefix of the trajectory, so that only its probe is new; a counterfactual
    one branches off before the documents that it replaces.
    """

    def __init__(self, policy: Policy, trajectories: Iterable[Trajectory]) -> None:
        """Requests name episodes of these trajectories."""
        self._policy = policy
        self._trajectories = {t.episode.id: t for t in trajectories}

    def trajectory(self, id: str) -> Trajectory:
        """That of an episode. Raises `ConfigurationError` where none was given."""
        if id not in self._trajectories:
            raise ConfigurationError(f"no trajectory of episode {id!r} was given to the scorer")
        return self._trajectories[id]

    def branch(self, request: ScoreRequest) -> Branch:
        """What is scored for a request. Raises `ConfigurationError` if it cannot be written."""
        trajectory = self.trajectory(request.episode.id)
        target_ids, span = self._policy.encode_target(
            request.probe, request.target, request.probe_end
        )
        at, ids = self._context(trajectory, request)
        offset = len(ids)
        return Branch(at, ids + target_ids, slice(span.start + offset, span.stop + offset))

    def _context(self, trajectory: Trajectory, request: ScoreRequest) -> tuple[int, list[int]]:
        """(tokens of the trajectory that stay, tokens that follow them) before the probe."""
        last = request.step
        if last < 0:
            return trajectory.turns[0].start, []
        if not request.replacements:
            at = trajectory.turns[last].observation_end
            refine = self._refine_length(trajectory, last) if request.through_refine else 0
            return at + refine, []
        if request.through_refine and set(request.replacements) != {last}:
            raise ConfigurationError(
                "before the last step of a context, documents are not replaced where refine blocks "
                "were written about them"
            )
        first = min(request.replacements)
        ids: list[int] = []
        for step in range(first, last + 1):
            turn, fragment = trajectory.turns[step], request.replacements.get(step)
            if step > first:
                ids += trajectory.token_ids[turn.start : turn.end].tolist()
            if fragment is None:
                ids += trajectory.token_ids[turn.end : turn.observation_end].tolist()
                continue
            ids += self._policy.encode(
                render_documents(request.episode.protocol, fragment.documents)
            )
            if request.through_refine:
                ids += self._refine_ids(fragment.origin, fragment.refine)
        return trajectory.turns[first].end, ids

    def _refine_length(self, trajectory: Trajectory, step: int) -> int:
        """Tokens of the refine block behind a step's documents, cut in tokens."""
        following = trajectory.turns[step + 1]
        ids = trajectory.token_ids[following.start : following.end].tolist()
        for count in range(1, len(ids) + 1):
            if "</refine>" in self._policy.decode(ids[:count]):
                return count
        raise ConfigurationError(f"no refine block follows step {step} of {trajectory.episode.id}")

    def _refine_ids(self, origin: tuple[str, int] | None, refine: str | None) -> list[int]:
        """The refine block's own tokens where they are known, else its text's."""
        if origin is not None and origin[0] in self._trajectories:
            source = self._trajectories[origin[0]]
            start = source.turns[origin[1] + 1].start
            length = self._refine_length(source, origin[1])
            ids: list[int] = source.token_ids[start : start + length].tolist()
            return ids
        return self._policy.encode(refine or "")
