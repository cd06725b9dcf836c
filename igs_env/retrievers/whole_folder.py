"""Folders that are written whole or not at all."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from igs_env.errors import ConfigurationError


@contextmanager
def whole_folder(target: Path) -> Iterator[Path]:
    """A new folder that becomes `target` when the block ends without an error.

    A process that is killed inside the block leaves no `target`. Where another process made
    `target` first, theirs stays and ours is dropped: both wrote the same.

    Raises:
        ConfigurationError: `target` cannot be written.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        building = Path(tempfile.mkdtemp(prefix=f".{target.name}-", dir=target.parent))
    except OSError as error:
        raise ConfigurationError(
            f"{target} cannot be written ({error.strerror}); give a folder that can be, or set "
            "IGS_CACHE to one"
        ) from error
    try:
        yield building
        # mkdtemp makes folders that only their owner can enter; an index may be shared.
        building.chmod(0o755)
        if not target.exists():
            building.replace(target)
    except OSError:
        if not target.exists():
            raise
    finally:
        shutil.rmtree(building, ignore_errors=True)
