from __future__ import annotations

import json

import pytest
from episodes import HERE, path, record

from igs_env.protocols import PROTOCOLS


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_the_golden_episode_is_reproduced_exactly(protocol: str) -> None:
    golden = json.loads(path(protocol).read_text(encoding="utf-8"))
    played = record(protocol)
    for index, (got, expected) in enumerate(zip(played["steps"], golden["steps"], strict=True)):
        assert got == expected, f"step {index}"
    assert played == golden


def test_every_protocol_has_its_golden_episode_and_no_file_is_left_over() -> None:
    assert {file.stem for file in HERE.glob("*.json")} == set(PROTOCOLS)
