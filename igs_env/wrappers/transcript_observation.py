"""The whole episode as observation, for agents that keep no history."""

from __future__ import annotations

import gymnasium as gym

from igs_env.wrappers.inner import current_episode, inner_env


class TranscriptObservation(gym.ObservationWrapper[str, str, str], gym.utils.RecordConstructorArgs):
    """Observation = everything so far: prompt, outputs, documents, in order.

    >>> import igs_env
    >>> env = TranscriptObservation(gym.make("IGSearchQA-v0"))
    >>> prompt, _ = env.reset(seed=0)
    >>> text, *_ = env.step("<search>capital of Peru</search>")
    >>> text.startswith(prompt + "<search>capital of Peru</search>")
    True
    """

    def __init__(self, env: gym.Env[str, str]) -> None:
        """Wrap a `SearchEnv`."""
        gym.utils.RecordConstructorArgs.__init__(self)
        super().__init__(env)
        inner_env(env)

    def observation(self, observation: str) -> str:
        """The transcript, which ends with the step's own text."""
        return current_episode(self).transcript
