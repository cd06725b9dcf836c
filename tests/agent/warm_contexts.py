"""Keys and values of given rollouts, by the generator that would have made them."""

from __future__ import annotations

from collections.abc import Sequence

from igs_agent.generation import Request, Sampling
from igs_agent.generation.native import NativeGenerator
from igs_agent.generation.warm import WarmContexts
from igs_agent.policy import Policy
from igs_agent.trajectory import Trajectory


def warmed(
    policy: Policy, trajectories: Sequence[Trajectory], warm: WarmContexts | None = None
) -> WarmContexts:
    """All but each one's last token, which no rollout reads."""
    warm = WarmContexts() if warm is None else warm
    generator = NativeGenerator(policy, warm=warm)
    keys = [trajectory.episode.id for trajectory in trajectories]
    requests = [
        Request(key=key, token_ids=trajectory.token_ids[:-1].tolist(), seed=0, turn=0)
        for key, trajectory in zip(keys, trajectories, strict=True)
    ]
    generator.generate(requests, Sampling(max_tokens=1))
    generator.release(keys)
    return warm
