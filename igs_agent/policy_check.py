"""Whether a policy can play a task at all: found before the first episode, not in a flat curve."""

from __future__ import annotations

from igs_agent.policy import Policy
from igs_env.errors import ConfigurationError
from igs_env.prompt import render_prompt
from igs_env.protocols import Protocol
from igs_env.task import Task

SAMPLE = 64
"""Questions whose prompts stand for all."""


def check_policy(policy: Policy, task: Task, max_tokens: int) -> None:
    """Raise `ConfigurationError` for a policy that no episode of the task could be played with.

    Args:
        policy: as loaded.
        task: its protocol's tags must be writable, and one of its prompts must fit.
        max_tokens: of a turn, which must fit behind the prompt.
    """
    protocol = task.rules.protocol
    for tag in control_tags(protocol):
        _check_tag(policy, tag)
    prompts = [render_prompt(protocol, question) for question in task.questions[:SAMPLE]]
    shortest = min((policy.encode_prompt(prompt) for prompt in prompts), key=len)
    _check_ids(policy, "the prompt", [*shortest, *policy.eos_ids])
    if len(shortest) + max_tokens > policy.context_length:
        raise ConfigurationError(
            f"a prompt takes {len(shortest):,} tokens and a turn up to {max_tokens:,}, but policy "
            f"{policy.name!r} reads no more than {policy.context_length:,}: lower the tokens per "
            "turn (rollout.max_tokens), or take a policy with a longer context"
        )


def control_tags(protocol: Protocol) -> list[str]:
    """The tags that a policy has to write or read in this protocol.

    >>> from igs_env.protocols import PROTOCOLS
    >>> control_tags(PROTOCOLS["plain"])[:2]
    ['<search>', '</search>']
    """
    names = ["search", "answer", protocol.documents_tag, *(["refine"] if protocol.refine else [])]
    return [tag for name in names for tag in (f"<{name}>", f"</{name}>")]


def _check_tag(policy: Policy, tag: str) -> None:
    ids = policy.encode(tag)
    _check_ids(policy, repr(tag), ids)
    written = policy.decode(ids)
    if written.strip() != tag:
        raise ConfigurationError(
            f"policy {policy.name!r} cannot write {tag!r}: its tokenizer makes {written!r} of it; "
            "take a policy whose tokenizer knows every character of the tags"
        )


def _check_ids(policy: Policy, what: str, ids: list[int]) -> None:
    rows = policy.model.get_input_embeddings().num_embeddings  # type: ignore[operator]
    if max(ids, default=0) >= rows:
        raise ConfigurationError(
            f"policy {policy.name!r}: its tokenizer has token {max(ids):,} for {what}, its model "
            f"only {rows:,} embeddings; the two are of different models, or tokens were added "
            "without resizing the embeddings"
        )
