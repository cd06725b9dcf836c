"""The report in a real browser, of a real run: silent, offline, readable, in both schemes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from browser import chromium, opened
from synthetic_runs import answers, hostile_run, make_run

from igs_agent.reporting import make_report, write_report

if TYPE_CHECKING:
    from playwright.sync_api import Browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def address(small_run: Path, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The real run's own report."""
    target = tmp_path_factory.mktemp("page") / "report.html"
    write_report(make_report([small_run]), target)
    return target.as_uri()


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two settings with two seeds each."""
    place = tmp_path_factory.mktemp("compared")
    folders = [
        make_run(place / f"{credit}-{seed}", seed=seed, credit=credit, last=answers(20 + seed))
        for credit in ("grpo", "ig_search")
        for seed in range(2)
    ]
    write_report(make_report(folders), place / "report.html")
    return (place / "report.html").as_uri()


CONTRAST = """
() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const light = (colour) => {
    canvas.fillStyle = colour; canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((v) => v / 255)
      .map((v) => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
      .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  };
  const colour = (name) => {
    const probe = document.body.appendChild(document.createElement("i"));
    probe.style.color = `var(${name})`;
    const found = getComputedStyle(probe).color;
    probe.remove();
    return found;
  };
  const ratio = (a, b) => (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
  const panel = light(colour("--panel"));
  const names = ["--ink", "--muted", "--accent", "--caution", "--series-0", "--series-1"];
  return Object.fromEntries(names.map((name) => [name, ratio(light(colour(name)), panel)]));
}
"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_a_report_is_silent_offline_and_no_wider_than_the_window(
    browser: Browser, address: str, compared: str, width: int, scheme: str
) -> None:
    for each in (address, compared):
        with opened(browser, each, width=width, scheme=scheme) as found:
            page = found.page
            assert page.evaluate("document.documentElement.scrollWidth") == width
            page.locator("summary").first.click()
            page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
            assert page.evaluate("document.documentElement.scrollWidth") == width
            assert page.locator("figure svg").count() == page.locator("figure table").count() > 10
            smallest = page.evaluate(
                """() => Math.min(...[...document.querySelectorAll("figure svg text")]
                .map((text) => text.getBoundingClientRect().height))"""
            )
            assert smallest > 9  # pixels of a line of text
            assert found.complaints == []
            assert found.requests == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_and_first_lines_stand_out_from_the_ground(
    browser: Browser, address: str, scheme: str
) -> None:
    with opened(browser, address, scheme=scheme) as found:
        ratios = found.page.evaluate(CONTRAST)
    texts = {name: ratio for name, ratio in ratios.items() if "series" not in name}
    assert min(texts.values()) >= 4.5, ratios  # WCAG 2.2, 1.4.3
    assert min(ratios.values()) >= 3, ratios  # 1.4.11, graphical objects


def test_figures_change_their_colours_with_the_scheme(browser: Browser, address: str) -> None:
    seen = set()
    for scheme in ("light", "dark"):
        with opened(browser, address, scheme=scheme) as found:
            line = found.page.locator("#figure-update-kl path[style*='--series-0']").first
            seen.add(line.evaluate("each => getComputedStyle(each).stroke"))
    assert len(seen) == 2


def test_links_of_the_page_lead_to_its_parts(browser: Browser, compared: str) -> None:
    with opened(browser, compared) as found:
        targets = found.page.locator("nav a").evaluate_all("all => all.map(a => a.hash.slice(1))")
        headings = found.page.locator("h2").evaluate_all("all => all.map(each => each.id)")
        assert targets == [each for each in headings if each != "missing"]


def test_the_keyboard_reaches_every_table_and_summary_and_shows_where_it_is(
    browser: Browser, address: str
) -> None:
    with opened(browser, address) as found:
        page = found.page
        stops = []
        for _ in range(60):
            page.keyboard.press("Tab")
            stops.append(page.evaluate("document.activeElement.tagName"))
            outline = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
            assert outline != "none" or stops[-1] == "BODY"
        assert {"A", "SUMMARY", "DIV"} <= set(stops)


def test_hostile_text_does_nothing(browser: Browser, tmp_path: Path) -> None:
    write_report(make_report([hostile_run(tmp_path / "run")]), tmp_path / "report.html")
    with opened(browser, (tmp_path / "report.html").as_uri(), width=390) as found:
        page = found.page
        assert page.title() != "taken"
        assert "<script>document.title='taken'</script>" in page.inner_text(".examples")
        assert page.evaluate("document.documentElement.scrollWidth") == 390
        assert found.complaints == []
        assert found.requests == []


def test_an_exported_figure_opens_alone(browser: Browser, address: str, tmp_path: Path) -> None:
    from igs_agent.reporting import write_figures

    run = make_run(tmp_path / "run")
    write_figures(make_report([run]), tmp_path / "figures")
    with opened(browser, (tmp_path / "figures" / "outcomes.svg").as_uri()) as found:
        assert found.page.text_content("title") == "How evaluation questions ended"
        assert found.complaints == []
