"""JSONL files that may be half written or damaged: what can be read, and what could not."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
Row = Mapping[str, Any]

_UNREAD = re.compile(rb'"(?:tokens|log_probs)":\[[^\]"]*\],')
"""Lists that no report reads and that are a third of an episode. A quotation mark inside a text
is escaped, so this only ever matches keys."""


class UnusableRowError(ValueError):
    """A row that is not what its file should hold."""


def read_rows(path: Path, read: Callable[[Row], T]) -> tuple[list[T], list[str]]:
    """(what `read` makes of each row, what is missing, as sentences).

    `read` raises `UnusableRowError` for a row that it cannot use.
    """
    found: list[T] = []
    problems: list[str] = []
    broken: list[str] = []
    try:
        for number, line in _lines(path, problems):
            try:
                found.append(read(_parsed(line)))
            except UnusableRowError as error:
                broken.append(f"line {number}: {error}")
    except FileNotFoundError:
        return [], [f"{path.name} is missing"]
    except OSError as error:
        problems.append(f"{path.name} cannot be read: {error.strerror}")
    if broken:
        told = "; ".join(broken[:3]) + ("; …" if len(broken) > 3 else "")
        problems.insert(0, f"{len(broken)} lines of {path.name} were left out: {told}")
    return found, problems


def _lines(path: Path, problems: list[str]) -> Iterator[tuple[int, bytes]]:
    with path.open("rb") as file:
        for number, line in enumerate(file, start=1):
            if not line.endswith(b"\n"):
                problems.append(f"the last line of {path.name} is half written and was left out")
                return
            yield number, line


def _parsed(line: bytes) -> Row:
    try:
        row = json.loads(_UNREAD.sub(b"", line))
    except (ValueError, RecursionError) as error:
        raise UnusableRowError(f"no JSON ({str(error).splitlines()[0][:80]})") from error
    if not isinstance(row, dict):
        raise UnusableRowError(f"{type(row).__name__}, expected an object")
    return row


def finite(row: Row, key: str) -> float | None:
    """The number of that key; None where there is none, or none that is finite.

    Raises:
        UnusableRowError: something else stands there.
    """
    value = row.get(key)
    if value is None:
        return None
    if not isinstance(value, int | float):
        raise UnusableRowError(f"{key} is {type(value).__name__}, expected a number")
    try:
        return float(value) if math.isfinite(value) else None
    except OverflowError:  # a whole number that no float holds
        return None


def text(row: Row, key: str) -> str:
    """The text of that key; empty where there is none.

    Raises:
        UnusableRowError: something else stands there.
    """
    value = row.get(key)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise UnusableRowError(f"{key} is {type(value).__name__}, expected text")
    return value


def items(row: Row, key: str, kind: type[T]) -> list[T]:
    """The list of that key, all of one kind; empty where there is none.

    Raises:
        UnusableRowError: something else stands there, or in it.
    """
    value = row.get(key)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, kind) for item in value):
        raise UnusableRowError(f"{key} is not a list of {kind.__name__}")
    return value


def update_of(row: Row) -> int:
    """The number of the row's update.

    Raises:
        UnusableRowError: it has none.
    """
    value = row.get("update")
    if isinstance(value, bool) or not isinstance(value, int):
        raise UnusableRowError("it has no update")
    return value
