"""Files of the repository that pages link to, made part of the site. A hook of MkDocs.

Pages are read in two places: as files of a checkout, where `../examples/x.py` leads to the file,
and on the site, which holds `docs/` only. So each linked file outside `docs/` becomes a page, or
a file to download, under `files/`. A link to nothing is left for `mkdocs build --strict` to refuse.
"""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from mkdocs.utils import get_relative_url

LANGUAGES = {".py": "python", ".toml": "toml", ".sh": "bash"}
"""Suffix of a file that is shown as a page → language of its code block."""
_LINK = re.compile(r"(?<=\]\()(?!https?://|#|mailto:)([^)#\s]+)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add every file outside `docs/` that a page links to."""
    for page in files.documentation_pages():
        for target in _LINK.findall(page.content_string):
            source = outside(page.src_uri, target, Path(config.docs_dir))
            if source and uri(source) not in files.src_uris:
                files.append(added(source, Path(config.docs_dir).parent, config))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Let links to those files lead to where they are on the site."""

    def on_site(link: re.Match[str]) -> str:
        source = outside(page.file.src_uri, link[0], Path(config.docs_dir))
        return get_relative_url(uri(source), page.file.src_uri) if source else link[0]

    return _LINK.sub(on_site, markdown)


def outside(page: str, target: str, docs: Path) -> PurePosixPath | None:
    """Path within the repository of a linked file that is not in `docs/`; None otherwise."""
    root = docs.parent.resolve()
    path = (docs / page).parent.joinpath(target).resolve()
    if not path.is_file() or path.is_relative_to(docs) or not path.is_relative_to(root):
        return None
    return PurePosixPath(path.relative_to(root).as_posix())


def uri(source: PurePosixPath) -> str:
    """Where a file of the repository is among the site's sources.

    >>> uri(PurePosixPath("examples/01_first_episode.py"))
    'files/examples/01_first_episode.py.md'
    >>> uri(PurePosixPath("CONTRIBUTING.md")), uri(PurePosixPath("benchmarks/results.json"))
    ('files/CONTRIBUTING.md', 'files/benchmarks/results.json')
    """
    return f"files/{source}{'.md' if source.suffix in LANGUAGES else ''}"


def added(source: PurePosixPath, root: Path, config: MkDocsConfig) -> File:
    """The file as a page with its text, or as it is."""
    path = root / source
    if source.suffix not in LANGUAGES:
        return File.generated(config, uri(source), abs_src_path=str(path))
    fence = f"````{LANGUAGES[source.suffix]}\n{path.read_text(encoding='utf-8')}````\n"
    return File.generated(config, uri(source), content=f"# `{source}`\n\n{fence}")
