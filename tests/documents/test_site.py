"""The documentation as a site: it builds without a warning, and its links lead somewhere."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("mkdocs", reason="mkdocs is not installed: pip install -e '.[docs]'")
    pytest.importorskip("mkdocstrings", reason="mkdocstrings is not installed")
    target = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "-d", str(target)]
    built = subprocess.run(
        command,
        cwd=ROOT,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert built.returncode == 0, built.stderr
    return target


class Page(HTMLParser):
    """Where a page leads, and what in it can be led to."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.links: list[str] = []
        self.loaded: list[str] = []
        self.names: set[str] = set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        for name, value in attrs:
            if value and name in ("href", "src"):
                self.links.append(value)
                if tag not in ("a", "area"):
                    self.loaded.append(value)
            elif value and name == "id":
                self.names.add(value)


def broken(site: Path) -> Iterator[str]:
    pages = {path: Page(path) for path in site.rglob("*.html") if path.name != "404.html"}
    names = {path: page.names | {"__skip"} for path, page in pages.items()}
    for path, page in pages.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (path.parent / unquote(parts.path)).resolve() if parts.path else path
            if not target.exists():
                yield f"{path.relative_to(site)}: {link} is not there"
            elif parts.fragment and unquote(parts.fragment) not in names.get(
                target, {parts.fragment}
            ):
                yield f"{path.relative_to(site)}: {link} has no such place"


def test_every_link_within_the_site_leads_somewhere(site: Path) -> None:
    assert list(broken(site)) == []


def test_what_pages_load_is_in_the_site(site: Path) -> None:
    loaded = {link for path in site.rglob("*.html") for link in Page(path).loaded}
    assert len(loaded) > 3
    assert {link for link in loaded if urlsplit(link).netloc} == set()


def test_the_reference_shows_docstrings_with_their_examples(site: Path) -> None:
    page = (site / "reference" / "index.html").read_text(encoding="utf-8")
    assert 'id="igs_agent.credit.make_estimator"' in page
    assert "no credit estimator" not in page
    assert "seed_interval" in page
    assert "&gt;&gt;&gt;" in page


def test_no_interval_is_broken_between_lines(site: Path) -> None:
    page = (site / "credit-benchmark.html").read_text(encoding="utf-8")
    ends = r"\[[-+]?\d\.\d+,{}[-+]?\d\.\d+\]"
    assert len(re.findall(ends.format("\u00a0"), page)) > 100
    assert not re.findall(ends.format(" "), page)


def test_code_to_be_copied_keeps_its_spaces(site: Path) -> None:
    for path in site.rglob("*.html"):
        for block in re.findall(r"<pre\b.*?</pre>", path.read_text(encoding="utf-8"), re.DOTALL):
            assert "\u00a0" not in block, path
