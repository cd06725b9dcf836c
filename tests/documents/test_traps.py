"""Every trap of the method has a test: the table of `docs/method.md` names tests that there are."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
_ROW = re.compile(r"^\| (T\d+) \|.*$", re.MULTILINE)
_TEST = re.compile(r"`(\w+/test_\w+\.py)::(test_\w+)`")


def test_each_of_the_thirteen_traps_names_tests_that_there_are() -> None:
    page = (ROOT / "docs" / "method.md").read_text(encoding="utf-8")
    rows = {row[1]: _TEST.findall(row[0]) for row in _ROW.finditer(page)}
    assert list(rows) == [f"T{number}" for number in range(1, 14)]
    for trap, tests in rows.items():
        assert tests, f"{trap} has no test"
        for file, name in tests:
            source = (ROOT / "tests" / file).read_text(encoding="utf-8")
            assert f"\ndef {name}(" in source, f"{trap}: no {name} in {file}"
