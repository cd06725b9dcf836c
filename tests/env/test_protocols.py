from __future__ import annotations

from dataclasses import replace

import pytest

from igs_env.actions import parse_action
from igs_env.errors import ConfigurationError
from igs_env.protocols import PROTOCOLS, TAGS, Protocol, get_protocol
from igs_env.rewards import REWARDS
from igs_env.types import Answer


@pytest.mark.parametrize("name", PROTOCOLS)
def test_a_protocol_is_complete(name: str) -> None:
    protocol = PROTOCOLS[name]
    assert protocol.name == name
    assert protocol.default_reward in REWARDS
    assert protocol.documents_tag in TAGS
    assert protocol.instruction.count("{question}") == 1
    assert get_protocol(name) is get_protocol(protocol) is protocol
    filled = protocol.probe + "gold" + protocol.probe_end
    action = parse_action(filled)
    assert isinstance(action, Answer)
    assert action.text == "gold"


@pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=PROTOCOLS)
def test_fixed_texts_show_both_forms_or_the_one_that_is_left(protocol: Protocol) -> None:
    assert "<search>" in protocol.reminder
    assert "<answer>" in protocol.reminder
    assert "<answer>" in protocol.exhausted
    assert "<search>" not in protocol.exhausted


@pytest.mark.parametrize("name", ["search-r1", "autorefine"])
def test_an_instruction_names_every_tag_that_the_protocol_uses(name: str) -> None:
    protocol = PROTOCOLS[name]
    used = {"think", "search", "answer", protocol.documents_tag}
    used |= {"refine"} if protocol.refine else set()
    named = {tag for tag in TAGS if f"<{tag}>" in protocol.instruction}
    assert named == used
    assert named == {tag for tag in TAGS if f"</{tag}>" in protocol.instruction}


PLAIN = PROTOCOLS["plain"]


@pytest.mark.parametrize(
    ("protocol", "fragment"),
    [
        ("serch-r1", "did you mean 'search-r1'"),
        ("", "choose from: autorefine, plain, search-r1"),
        (replace(PLAIN, instruction="no place"), "has no {question} in its instruction"),
        (replace(PLAIN, documents_tag="context"), "documents_tag 'context'"),
        (replace(PLAIN, document="{titel}: {text}"), "field 'titel' is none of {position}"),
        (replace(PLAIN, document="{title:>9} {text}"), "field 'title' is none of"),
        (replace(PLAIN, document="{} {text}"), "field '' is none of"),
        (replace(PLAIN, document="{ {text}"), "write a brace that stands for itself twice"),
        ("igs_env.protocols:TAGS", "got tuple"),
        (5, "protocol must be a name or an igs_env.protocols.Protocol, got int"),
    ],
)
def test_a_protocol_that_cannot_be_used_is_refused(protocol, fragment: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        get_protocol(protocol)
    assert fragment in str(caught.value)


def test_a_protocol_may_be_named_by_module_and_attribute() -> None:
    assert get_protocol("scripted:TERSE").name == "terse"
