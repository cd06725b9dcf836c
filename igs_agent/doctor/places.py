"""Where a model or file lies on this machine: a folder, or the hub's cache. Never the network."""

from __future__ import annotations

from pathlib import Path

SIZE_WORDS = ((10**12, "TB"), (10**9, "GB"), (10**6, "MB"), (10**3, "kB"))


def folder_of(name: str, file: str) -> Path | None:
    """The folder that holds a model, given as a folder or hub name; None where there is none.

    Args:
        name: as `from_pretrained` takes it.
        file: a file that tells that it is there: `config.json`.
    """
    folder = Path(name).expanduser()
    if (folder / file).is_file():
        return folder
    found = None if looks_local(name) else cached(name, file)
    return found.parent if found else None


def cached(repository: str, file: str, *, kind: str = "model") -> Path | None:
    """A hub repository's file in the hub's cache."""
    from huggingface_hub import try_to_load_from_cache
    from huggingface_hub.errors import HFValidationError

    try:
        found = try_to_load_from_cache(repository, file, repo_type=kind)
    except HFValidationError:  # no name that a hub could have
        return None
    return Path(found) if isinstance(found, str) else None


def looks_local(name: str) -> bool:
    """Whether a name can only be a path on this machine: hub names are `owner/name` or `name`.

    >>> [looks_local(name) for name in ("runs/a/best", "./model", "Qwen/Qwen2.5-3B", "gpt2")]
    [True, True, False, False]
    """
    return name.startswith((".", "/", "~", "runs/")) or name.count("/") > 1 or Path(name).exists()


def sized(count: float) -> str:
    """Bytes as people say them, in powers of ten.

    >>> sized(64_512_000_000), sized(450), sized(93e6)
    ('64.5 GB', '450 B', '93.0 MB')
    """
    for unit, word in SIZE_WORDS:
        if count >= unit:
            return f"{count / unit:,.1f} {word}"
    return f"{count:.0f} B"
