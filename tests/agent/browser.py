"""A headless Chromium of this machine, and what a page that it opens says and asks for."""

from __future__ import annotations

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@dataclass(slots=True)
class Opened:
    """A page, and what it did."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    """Errors and warnings of the console, and uncaught errors."""
    requests: list[str] = field(default_factory=list)
    """Addresses that were asked for over a network, the page's own included."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """The browser; a test that needs it is skipped where there is none."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no Chromium on this machine: none of {', '.join(_NAMES)} is on the path")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    with sync_api.sync_playwright() as playwright:
        # Containers have no user namespaces for its sandbox; it opens pages of our own only.
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


def until(page: Page, condition: str, argument: object = None, *, seconds: float = 15) -> None:
    """Wait for a JavaScript condition.

    The page's own policy forbids the `eval` with which `Page.wait_for_function` waits.
    """
    end = time.monotonic() + seconds
    while not page.evaluate(condition, argument):
        assert time.monotonic() < end, f"still not so after {seconds} s: {condition}"
        page.wait_for_timeout(20)


@contextmanager
def opened(
    browser: Browser, address: str, *, width: int = 1280, height: int = 860, scheme: str = "light"
) -> Iterator[Opened]:
    """A fresh page at an address."""
    context = browser.new_context(
        viewport={"width": width, "height": height},
        color_scheme="dark" if scheme == "dark" else "light",
    )
    found = Opened(context.new_page())
    page = found.page
    page.set_default_timeout(15_000)
    page.on(
        "console",
        lambda message: (
            found.complaints.append(message.text) if message.type in ("error", "warning") else None
        ),
    )
    page.on("pageerror", lambda error: found.complaints.append(str(error)))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("file:", "data:", "blob:"))
            else found.requests.append(request.url)
        ),
    )
    page.goto(address)
    yield found
    context.close()
