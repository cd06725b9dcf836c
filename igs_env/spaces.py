"""A Gymnasium space for any text."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gymnasium.spaces import Text
from gymnasium.vector.utils import create_shared_memory

MAX_LENGTH = 1 << 20
"""Characters of an action or observation that the environment's spaces admit."""
_SAMPLE_CHARSET = "abcdefghijklmnopqrstuvwxyz <>/?"
_SAMPLE_LENGTH = 64


class UnicodeText(Text):
    """Any string of at most `max_length` characters.

    Gymnasium's `Text` asks that every character be in a listed charset and its default holds
    neither space nor newline; a charset of all Unicode takes seconds to build and megabytes to
    pickle. Here membership is a matter of type and length, and samples are short.
    """

    def __init__(self, max_length: int = MAX_LENGTH, *, seed: int | None = None) -> None:
        """Strings of 0 to `max_length` characters."""
        super().__init__(max_length, min_length=0, charset=_SAMPLE_CHARSET, seed=seed)

    def contains(self, x: Any) -> bool:
        """Whether `x` is a string that is not too long."""
        return isinstance(x, str) and len(x) <= self.max_length

    def sample(self, mask: Any = None, probability: Any = None) -> str:
        """A random string of at most 64 characters, tags' brackets among them."""
        if mask is not None or probability is not None:
            raise ValueError("UnicodeText takes neither mask nor probability")
        length = int(self.np_random.integers(min(_SAMPLE_LENGTH, self.max_length) + 1))
        return "".join(self.np_random.choice(list(_SAMPLE_CHARSET), size=length).tolist())

    def __repr__(self) -> str:
        """`UnicodeText(1048576)`."""
        return f"UnicodeText({self.max_length})"

    def __eq__(self, other: object) -> bool:
        """Equal to a `UnicodeText` of the same bound."""
        return isinstance(other, UnicodeText) and other.max_length == self.max_length

    def __hash__(self) -> int:
        """Of the bound."""
        return hash((UnicodeText, self.max_length))


@create_shared_memory.register(UnicodeText)
def _refuse_shared_memory(space: UnicodeText, n: int = 1, ctx: Callable[..., Any] = ...) -> Any:  # type: ignore[assignment]
    """Gymnasium's shared memory returns every text as zeros; refuse instead of lying."""
    del space, n, ctx
    raise TypeError(
        "text observations cannot go through Gymnasium's shared memory, which would return "
        "'0000…' for every one of them: pass shared_memory=False to AsyncVectorEnv, or "
        "vector_kwargs={'shared_memory': False} to make_vec; faster still is the native vector "
        "environment, gymnasium.make_vec(id, num_envs=…)"
    )
