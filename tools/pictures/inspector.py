"""The picture of README and of the first page: an episode of a real run in the inspector.

    igs train --config tiny-atlas
    python tools/pictures/inspector.py runs/tiny-atlas --output docs/assets/inspector.png

Which episode: of those whose group has right and wrong answers and that gave a right one after two
searches or more, the one whose searches gained most; where several did, the newest.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

from playwright.sync_api import sync_playwright

from igs_agent.inspector import FILTERS, Inspector, open_inspector, write_page
from igs_agent.inspector.summary import Summary

SIZE = {"width": 1280, "height": 800}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--output", type=Path, default=Path("docs/assets/inspector.png"))
    parser.add_argument("--colours", default="light", choices=("light", "dark"))
    args = parser.parse_args()
    inspector = open_inspector(args.run)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "view.html"
        write_page(inspector, page)
        shoot(f"{page.as_uri()}#e={quote(telling(inspector).id, safe='')}", args)
    print(f"{args.output}, {args.output.stat().st_size / 1000:.0f} kB")


def telling(inspector: Inspector) -> Summary:
    """The episode that is shown."""
    all_ = inspector.episodes.summaries
    groups: dict[str, list[Summary]] = {}
    for each in all_:
        groups.setdefault(each.group, []).append(each)
    candidates = [
        each
        for each in all_
        if each.searches >= 2
        and FILTERS["correct"].holds(each, groups[each.group])
        and FILTERS["mixed"].holds(each, groups[each.group])
    ]
    if not candidates:
        raise SystemExit("no episode of the run is right after two searches in a mixed group")
    return max(candidates, key=lambda each: (each.gain or 0.0, each.update))


def shoot(address: str, args: argparse.Namespace) -> None:
    """Write the picture."""
    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None
    )
    if chromium is None:
        raise SystemExit("there is no Chromium on the path; install one")
    with sync_playwright() as playwright:
        # Containers have no user namespaces for its sandbox; it opens a page of our own only.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme=args.colours)
        page.goto(address)
        page.wait_for_selector("article.episode .turn .token")
        args.output.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=args.output)
        browser.close()


if __name__ == "__main__":
    main()
