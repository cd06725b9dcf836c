"""Trying again what may pass: bounded, with exponential back-off and seeded jitter."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable
from typing import TypeVar

from igs_env.errors import RetrievalError

logger = logging.getLogger(__name__)

Result = TypeVar("Result")

LONGEST_WAIT = 30.0
"""Seconds between two attempts, at most, whatever a server asks for."""

_TIMES = {1: "once", 2: "twice", 3: "three times"}


class TransientError(Exception):
    """A failure that may pass."""

    def __init__(self, what: str, *, hint: str, retry_after: float = 0.0) -> None:
        """`what`: what the server did, as a verb phrase; `hint`: what a user can do."""
        super().__init__(what)
        self.what, self.hint, self.retry_after = what, hint, retry_after


class Retrying:
    """Calls an action until it succeeds, at most `attempts` times.

    Before attempt n + 1 it waits `backoff`·2ⁿ⁻¹ seconds times a number between ½ and 1 drawn from
    `seed`, or as long as the server asked for if that is longer.

    >>> def busy():
    ...     raise TransientError("answered 503", hint='is "igs serve" running?')
    >>> Retrying(attempts=3, backoff=0.0)("http://127.0.0.1:8000/retrieve", busy)
    Traceback (most recent call last):
    igs_env.errors.RetrievalError: http://127.0.0.1:8000/retrieve answered 503 three times;
    is "igs serve" running?
    """

    def __init__(self, *, attempts: int, backoff: float, seed: int = 0) -> None:
        """`backoff`: seconds."""
        self._attempts, self._backoff = attempts, backoff
        self._random = random.Random(seed)

    def __call__(self, url: str, action: Callable[[], Result]) -> Result:
        """The action's result; `RetrievalError` when the last attempt fails too."""
        failures: list[TransientError] = []
        while True:
            try:
                return action()
            except TransientError as failure:
                failures.append(failure)
                logger.warning(
                    "%s %s: attempt %d of %d failed", url, failure.what, *self._count(failures)
                )
            if len(failures) == self._attempts:
                raise RetrievalError(_message(url, failures)) from failures[-1]
            time.sleep(self._wait(failures))

    def _count(self, failures: list[TransientError]) -> tuple[int, int]:
        return len(failures), self._attempts

    def _wait(self, failures: list[TransientError]) -> float:
        own = self._backoff * 2.0 ** (len(failures) - 1) * self._random.uniform(0.5, 1.0)
        return min(max(own, failures[-1].retry_after), LONGEST_WAIT)


def _message(url: str, failures: list[TransientError]) -> str:
    last, count = failures[-1], len(failures)
    times = _TIMES.get(count, f"{count} times")
    if len({failure.what for failure in failures}) == 1:
        return f"{url} {last.what} {times}; {last.hint}"
    before = ", ".join(failure.what for failure in failures[:-1])
    return f"{url} {last.what} at attempt {count} (before: {before}); {last.hint}"
