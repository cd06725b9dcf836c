"""The picture of the tutorial "Read a report": the first screen of a report on real runs.

igs train --config tiny-atlas run=runs/grpo-0 credit=grpo
igs train --config tiny-atlas run=runs/ig_search-0
python tools/pictures/report.py runs/grpo-0 runs/ig_search-0 --output docs/assets/report.png
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from playwright.sync_api import sync_playwright

from igs_agent.reporting import make_report, write_report

SIZE = {"width": 1280, "height": 1000}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("runs", nargs="+", type=Path)
    parser.add_argument("--output", type=Path, default=Path("docs/assets/report.png"))
    args = parser.parse_args()
    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None
    )
    if chromium is None:
        raise SystemExit("there is no Chromium on the path; install one")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        target = Path(folder) / "report.html"
        write_report(make_report(args.runs), target)
        # Containers have no user namespaces for its sandbox; it opens a page of our own only.
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        page.goto(target.as_uri())
        page.locator("#claims").scroll_into_view_if_needed()
        page.screenshot(path=args.output, clip={"x": 0, "y": 0, **SIZE})
        browser.close()
    print(f"{args.output}, {args.output.stat().st_size / 1000:.0f} kB")


if __name__ == "__main__":
    main()
