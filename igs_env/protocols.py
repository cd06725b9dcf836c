"""Protocols: how questions, documents and reminders are written, by name.

A protocol is data. `prompt.py` renders with it, `actions.py` reads every protocol's output
with the same rule, so adding one is adding a value to `PROTOCOLS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from string import Formatter

from igs_env.components import find_component
from igs_env.errors import ConfigurationError

TAGS = ("think", "search", "information", "documents", "refine", "answer")
"""Every control tag of every protocol: what may not stand in retrieved text."""

DOCUMENT_FIELDS = ("position", "title", "text")
"""What `Protocol.document` may hold between braces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Protocol:
    """Names and fixed texts of an episode format."""

    name: str
    """Registry key."""
    documents_tag: str
    """Tag that the environment puts around documents."""
    refine: bool
    """The policy writes `<refine>…</refine>` after each documents block."""
    instruction: str
    """Prompt template with `{question}`."""
    default_reward: str
    """Key of `igs_env.rewards.REWARDS` used when none is asked for."""
    document: str = "Doc {position} (Title: {title}) {text}\n"
    """One document of a block, of the plain fields `DOCUMENT_FIELDS`; `position` counts from 1."""
    reminder: str = (
        "\nThat was no valid action. To search, write <search> query </search>; to finish, write "
        "<answer> answer </answer>.\n"
    )
    """Observation after an invalid action."""
    exhausted: str = "\nNo searches are left. Answer now: write <answer> answer </answer>.\n"
    """Observation after a search beyond `max_searches`; that search is not carried out."""
    empty: str = "No documents were found.\n"
    """Content of the block when a search matched nothing."""
    retry: str = "\nThat answer may be wrong. Search again and answer once more.\n"
    """What stands between an attempt and the next one, where several are made in one context."""
    probe: str = "<answer> "
    """What opens an answer when the gold answer is scored; tokenised jointly with it."""
    probe_end: str = " </answer>"
    """What follows the gold answer when it is scored, so that its last token is a whole one."""


_RULES = (
    "Answer the question. You may search as often as you need: write a query as "
    "<search> query </search> and the documents found come back between <{tag}> and "
    "</{tag}>. Think between <think> and </think> before each step.{refine} When you know the "
    "answer, write it, and nothing but it, as <answer> answer </answer>; for example, "
    "<answer> Beijing </answer>.\nQuestion: {{question}}\n"
)

PROTOCOLS: dict[str, Protocol] = {
    # Search-R1 (arXiv 2503.09516): the tags are the published ones, the wording is ours.
    "search-r1": Protocol(
        name="search-r1",
        documents_tag="information",
        refine=False,
        instruction=_RULES.format(tag="information", refine=""),
        default_reward="em",
    ),
    # AutoRefine (arXiv 2505.11277), the format of IG-Search: tags published, wording ours.
    "autorefine": Protocol(
        name="autorefine",
        documents_tag="documents",
        refine=True,
        instruction=_RULES.format(
            tag="documents",
            refine=" After each result, write what matters of it between <refine> and </refine>.",
        ),
        default_reward="staircase",
    ),
    # The same tags without instructions, for small policies that were taught the format.
    "plain": Protocol(
        name="plain",
        documents_tag="information",
        refine=False,
        instruction="Question: {question}\n",
        default_reward="em",
        document="{title}: {text}\n",
    ),
}


def get_protocol(protocol: str | Protocol) -> Protocol:
    """The protocol of that name, that a `module:attribute` string names, or the given one.

    Raises `ConfigurationError` for an unknown name, for another type, for an instruction without
    `{question}`, for a document with other fields, or for a tag that documents could write
    themselves.
    """
    found = find_component("protocol", protocol, PROTOCOLS)
    if not isinstance(found, Protocol):
        raise ConfigurationError(
            f"protocol must be a name or an igs_env.protocols.Protocol, got {type(found).__name__}"
        )
    if "{question}" not in found.instruction:
        raise ConfigurationError(
            f"protocol {found.name!r} has no {{question}} in its instruction; add it where the "
            "question belongs"
        )
    if found.documents_tag not in TAGS:
        raise ConfigurationError(
            f"protocol {found.name!r} has documents_tag {found.documents_tag!r}, which is not "
            f"neutralised inside documents; choose from: {', '.join(TAGS)}"
        )
    _check_document(found)
    return found


def _check_document(protocol: Protocol) -> None:
    try:
        parts = list(Formatter().parse(protocol.document))
    except ValueError as error:
        raise ConfigurationError(
            f"protocol {protocol.name!r} has the document {protocol.document!r}: {error}; write a "
            "brace that stands for itself twice"
        ) from error
    for _, field, spec, conversion in parts:
        if field is not None and (field not in DOCUMENT_FIELDS or spec or conversion):
            raise ConfigurationError(
                f"protocol {protocol.name!r} has the document {protocol.document!r}, whose field "
                f"{field!r} is none of {{position}}, {{title}} and {{text}} as they stand"
            )
