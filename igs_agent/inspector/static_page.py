"""A run's inspector as one file that opens from a disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from igs_agent.inspector.inspector import BLOCK, Inspector
from igs_agent.inspector.page import embedded, page
from igs_agent.tracking.contract import RunFolderError


def write_page(inspector: Inspector, target: Path) -> int:
    """Write the page with every episode in it; its size in bytes.

    The file appears when it is complete.

    Raises:
        DataError: the run's files cannot be read, or are changing.
        RunFolderError: `target` cannot be written.
    """
    while inspector.episodes.advance():
        pass
    partial = target.with_name(f"{target.name}.partial")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(page(_elements(inspector), served=False))
        partial.replace(target)
        return target.stat().st_size
    except OSError as error:
        raise RunFolderError(
            f"{target} could not be written: {error}; choose another place with --output"
        ) from error
    finally:
        with suppress(OSError):  # where nothing can be written, nothing is there
            partial.unlink()


def _elements(inspector: Inspector) -> Iterator[str]:
    yield embedded("run", {**inspector.run(), "served": False, "follow": False})
    yield embedded("index", _whole_index(inspector))
    for number in range(-(-len(inspector.episodes) // BLOCK)):
        yield embedded(f"block-{number}", inspector.block(number))


def _whole_index(inspector: Inspector) -> dict[str, Any]:
    count = len(inspector.episodes)
    about = {"generation": 0, "total": count, "more": False, "problems": inspector.problems()}
    return {**inspector.index(0, count), **about}
